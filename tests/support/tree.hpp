// What a directory tree holds, and in what two trees differ.
//
// snapshot() reads a tree into a value; difference() compares two of them and says in lines what
// differs. It knows nothing of mirrord or rsync, so it is a second opinion beside rsync_drift(),
// which asks rsync itself. Modification times of files are compared to the nanosecond; those of
// directories and links by the second, which is as exact as rsync's own comparison is (rsync(1)
// --modify-window). Owners count only where the test runs as root, who alone can give files away.
#pragma once

#include <sys/types.h>
#include <time.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "support/wait.hpp"

namespace mirrord::test {

enum class Links {
  follow,  ///< as symlinks = "follow": what links point to; dangling and looping ones are left out
  preserve,  ///< links as links; only the root itself is followed
};

struct Entry {
  mode_t mode = 0;  ///< type and permissions
  uid_t uid = 0;
  gid_t gid = 0;
  timespec modified{};
  off_t size = 0;         ///< of files
  size_t content = 0;     ///< a hash, of files
  std::string link = {};  ///< where it points, of links
};

/// By path below the root; the root itself is ".".
using Tree = std::map<std::string, Entry>;

/// Empty when there is no such directory. What vanishes meanwhile is left out.
Tree snapshot(const std::filesystem::path& root, Links links);

/// One line for each path that differs, names escaped; empty = equal.
std::vector<std::string> difference(const Tree& source, const Tree& target,
                                    bool compare_owners = true);

/// How two or more trees became equal, or in what they never did.
struct Convergence {
  bool equal = false;
  milliseconds elapsed{};
  std::string difference;
};

struct Comparison {
  Links links = Links::follow;
  bool owners = true;
  milliseconds limit = kPatience;
};

/// Reads source and targets again and again until every target equals the source. The targets are
/// read as they are: links in them are links.
Convergence eventually_equal(const std::filesystem::path& source,
                             const std::vector<std::filesystem::path>& targets,
                             const Comparison& comparison = {});

/// The lines of `rsync -n -a --checksum --delete -i`, which are none when rsync sees no difference.
/// `options` are further arguments, for example "--exclude=…".
std::string rsync_drift(const std::filesystem::path& source, const std::filesystem::path& target,
                        Links links = Links::follow, const std::vector<std::string>& options = {});

}  // namespace mirrord::test
