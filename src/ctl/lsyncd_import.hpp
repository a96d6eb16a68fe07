// What an lsyncd configuration mirrors, in mirrord's terms, and what of it has no counterpart.
//
// Pure: records in, groups and remarks out. Each key of lsyncd's is a row of a table here, in
// ctl/lsyncd_sync, lsyncd_rsync or lsyncd_ssh; a key without a row is a loss, because nobody knows
// what it would mirror, and so is what core/config refuses of the result. How that is written is
// ctl/lsyncd_toml's.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ctl/lsyncd_sandbox.hpp"

namespace mirrord {

/// Something to tell the user about one line of the old file.
struct ImportRemark {
  bool loss = false;  ///< it would change what is mirrored, and could not be carried over
  int line = 0;       ///< 0 = the file as a whole
  std::string text;
  bool operator==(const ImportRemark&) const = default;
};

/// Keys with their values as TOML text, in the order in which they are to be read.
using TomlKeys = std::vector<std::pair<std::string, std::string>>;

struct ImportedTarget {
  std::string to;
  int line = 0;  ///< where the old file names it
};

struct ImportedGroup {
  std::string name;
  std::string source;
  std::vector<ImportedTarget> targets;
  TomlKeys keys, rsync, ssh, ssh_options;
  std::vector<ImportRemark> remarks;
  std::vector<int> lines;  ///< of the sync blocks that it was made of

  /// Whether another sync block is only one more target of this.
  bool same_but_for_target(const ImportedGroup& other) const;
};

struct ImportedConfig {
  TomlKeys daemon, defaults;
  std::vector<ImportRemark> remarks;  ///< about settings{} and the whole
  std::vector<ImportedGroup> groups;

  /// Every remark that is a loss, in order of lines.
  std::vector<ImportRemark> losses() const;
};

/// What the conversion must ask the machine about.
struct ImportHost {
  std::string directory;  ///< where relative paths begin
  std::function<std::optional<std::string>(const std::string& path)> read_file;
};

/// `text` is the program itself, to find the lines of single keys in.
ImportedConfig import_lsyncd_record(const LsyncdRecord& record, const std::string& text,
                                    const ImportHost& host);

}  // namespace mirrord
