// All that one reading of the configuration had to ask the machine, as a value.
//
// A question may hang: a user in a directory server that is down, a file on a dead NFS mount. So
// the facts are gathered where that does no harm, in a child, and come to the daemon as bytes; what
// they mean is then decided there, without a question. Owns nothing and asks nobody itself.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/config.hpp"

namespace mirrord {

struct ConfigFacts {
  std::string directory;
  std::vector<ConfigFile> files;
  std::vector<Diagnostic> refused;  ///< files, or the whole directory, that were not read
  // Answers of a Host, by what it was asked about.
  std::map<std::string, std::optional<User>> users;
  std::map<std::string, PathKind> paths;
  std::map<std::string, Host::Text> texts;
  std::map<std::string, bool> written_by_others;
};

/// Told what is asked for next, in words: "user 'webmgr'".
using Asking = std::function<void(const std::string& what)>;

/// Asks `host` all that the files give reason to ask, and keeps the answers.
void ask_what_is_needed(ConfigFacts& facts, const Host& host, const Asking& asking);

/// What the facts mean. All that is needed must have been asked.
ParsedConfig parse_config(const ConfigFacts& facts);

/// Any bytes in names and texts; for the same build only.
std::string to_bytes(const ConfigFacts& facts);
/// Throws std::exception when it is not from to_bytes().
ConfigFacts facts_from_bytes(const std::string& bytes);

}  // namespace mirrord
