// All that we know of rsync's command lines; what its end means is core/rsync_result.
//
// A lane is a kind of run; each has its own options. Pure: a command is a vector of
// arguments, never shell text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/capabilities.hpp"
#include "core/change.hpp"
#include "core/file_list.hpp"
#include "core/model.hpp"

namespace mirrord {

enum class Lane {
  full,        ///< compare everything
  verify,      ///< compare everything byte by byte, change nothing, print what differs
  tree,        ///< listed directories with all that is below them
  children,    ///< listed directories with their entries, but not what is below those
  data,        ///< listed paths, contents sent whatever their times say
  attributes,  ///< listed paths, contents only where size or time differ
};

Lane lane_of(ChangeKind kind);
Depth depth_of(Lane lane);
bool reads_list(Lane lane);
/// Whether such a run deletes, by the four modes of `delete =`.
bool deletes(const Group& group, Lane lane);

struct Transfer {
  Lane lane = Lane::full;
  Capabilities can = {};
  /// Of the ssh master to go through; kNoMaster = none; "" = as the user's ssh_config(5) says.
  std::string control_path = {};
  /// Delete at most so many entries; 0 = send everything, delete nothing, count what is too much.
  std::optional<uint64_t> max_delete = {};
  /// Logical paths that are not mirrored: copies of them are deleted.
  std::vector<std::string> hidden = {};
  /// Logical paths to pass over: copies of them stay as they are.
  std::vector<std::string> unreadable = {};
  /// A file with filter_rules(): as arguments they would be too many for execve(2). "" = none.
  std::string rules_file = {};
  /// Of a full comparison: how many entries the source holds, about.
  uint64_t entries = 0;
  /// Do not trust equal sizes and times.
  bool by_checksum = false;
};

/// The text for the rules file, each rule ended by a NUL; empty when there are none. Ours come first.
std::string filter_rules(const Group& group, const Transfer& transfer);

/// The rsync command. Every lane that reads_list() reads it from standard input.
std::vector<std::string> rsync_command(const Group& group, const Target& target,
                                       const Transfer& transfer);

/// A path below the source as a pattern that matches it and nothing else, rsync(1) PATTERN RULES.
std::string exact_pattern(const std::string& path);

/// As the last argument of an rsync(1); a directory, whatever is there.
std::string rsync_destination(const Destination& to);

}  // namespace mirrord
