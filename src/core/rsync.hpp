// All that we know of rsync: command lines, what its end means, what its --stats say.
//
// A lane is a kind of run; each has its own options (research/peers.md B6). Pure: a command is a
// vector of arguments, never shell text.
#pragma once

#include <string>
#include <vector>

#include "core/change.hpp"
#include "core/file_list.hpp"
#include "core/model.hpp"
#include "core/outcome.hpp"

namespace mirrord {

enum class Lane {
  full,        ///< compare everything
  tree,        ///< listed directories with all that is below them
  children,    ///< listed directories with their entries, but not what is below those
  data,        ///< listed paths, contents sent whatever their times say
  attributes,  ///< listed paths, contents only where size or time differ
};

Lane lane_of(ChangeKind kind);
Depth depth_of(Lane lane);

struct Transfer {
  Lane lane = Lane::full;
  /// false: this run deletes nothing, whatever the group says.
  bool may_delete = true;
  /// Logical paths that are not mirrored: copies of them are deleted.
  std::vector<std::string> hidden = {};
  /// Logical paths to pass over: copies of them stay as they are.
  std::vector<std::string> unreadable = {};
  /// Do not trust equal sizes and times.
  bool by_checksum = false;
};

/// The rsync command; every lane but full reads its list from standard input.
std::vector<std::string> rsync_command(const Group& group, const Target& target,
                                       const Transfer& transfer);

/// The ssh command that rsync's -e gets.
std::vector<std::string> ssh_command(const SshSettings& ssh);

/// Joins arguments as rsync's -e splits them: at spaces, with "…" around and "" for a quote.
std::string rsh_option(const std::vector<std::string>& argv);

/// A path below the source as a pattern that matches it and nothing else, rsync(1) PATTERN RULES.
std::string exact_pattern(const std::string& path);

/// What an exit status (rsync(1) EXIT VALUES) or a signal means. `error` is rsync's last output
/// on standard error.
Outcome interpret(int exit_status, int signal, const std::string& error);

/// Fills in files and bytes from the text of --stats.
void read_stats(const std::string& output, Outcome& outcome);

}  // namespace mirrord
