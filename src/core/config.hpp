// From the texts of /etc/mirrord/*.toml to a Config and *all* that is wrong with them.
//
// The one place that knows the configuration language: keys, types, ranges, defaults, merging
// of [defaults], names of targets. It reads no file and asks no system: the caller brings the
// texts, and answers about users and files come through Host. A Config is only given when there
// is no problem, so nobody can run on half a configuration.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/model.hpp"

namespace mirrord {

struct ConfigFile {
  std::string name;  ///< as shown in messages, e.g. "/etc/mirrord/web.toml"
  std::string text;
};

/// What is at a path, links followed.
enum class PathKind {
  missing,
  directory,
  other,
  hidden,  ///< below what we may not search
};

/// What the configuration must ask the machine about.
struct Host {
  /// "" = the user that the daemon runs as, who is always there.
  std::function<std::optional<User>(const std::string& name)> find_user;
  std::function<PathKind(const std::string& path)> path_kind;
  /// Whole text of a file, or the reason (strerror) why it cannot be read.
  struct Text {
    std::optional<std::string> content;
    std::string error;
  };
  std::function<Text(const std::string& path)> read_file;
  /// Whether rsync would read as root what others than root can put at this path.
  std::function<bool(const std::string& path)> others_write_what_root_reads;
};

enum class Severity { problem, warning };

/// One thing to tell the user. line and column count from 1; 0 = the file as a whole.
struct Diagnostic {
  Severity severity = Severity::problem;
  std::string file;
  size_t line = 0;
  size_t column = 0;
  std::string message;
  bool operator==(const Diagnostic&) const = default;

  /// "FILE:LINE:COLUMN: message", of the file as a whole with its beginning. One printable line.
  std::string text() const;
};

struct ParsedConfig {
  std::optional<Config> config;  ///< empty when there is any problem
  /// In order of file, line, column; last, those about several groups.
  std::vector<Diagnostic> diagnostics;

  bool ok() const { return config.has_value(); }
};

/// Parses the files in the given order (the caller sorts them by name).
/// `is_all`: there are no others, which could not be read; then it is a problem if no group is in
/// them.
ParsedConfig parse_config(const std::vector<ConfigFile>& files, const Host& host,
                          bool is_all = true);

/// Parses one destination: "[user@]host:/path", "user@[v6::addr]:/path", "host::module/path",
/// "rsync://host[:port]/module/path" or "/path". On failure returns nothing and sets `reason`.
std::optional<Destination> parse_destination(const std::string& text, std::string& reason);

/// "100ms", "5s", "1min 30s", "1h", "1d"; a bare "0" is allowed. Nothing when malformed.
std::optional<Duration> parse_duration(const std::string& text);

/// "10M", "512k", "1G", "4096" in bytes (powers of 1024). Nothing when malformed.
std::optional<uint64_t> parse_size(const std::string& text);

}  // namespace mirrord
