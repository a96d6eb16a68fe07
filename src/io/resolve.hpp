// Path resolution step by step, path_resolution(7): where a path leads and what could change that.
//
// The kernel resolves a path in one go and forgets how. To notice that a link, or the parent of
// its referent, was renamed or re-pointed, the watcher needs each (directory, name) on the way.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/mounts.hpp"
#include "core/watch_map.hpp"

namespace mirrord {

struct Resolution {
  struct Step {
    std::string directory;  ///< physical, free of links
    std::string name;
    bool operator==(const Step&) const = default;
  };
  enum class End { missing, file, directory, denied };
  std::vector<Step> steps;  ///< also those up to a failure
  End end = End::missing;
  std::string path;  ///< physical, when end is file or directory
  Identity identity;
  bool regular = false;  ///< a regular file
  bool absent = false;   ///< missing because of ENOENT, and not of a loop or a file on the way

  /// The physical path as far as it was resolved.
  std::string last_seen() const;
  bool operator==(const Resolution&) const = default;
};

/// The directories of `follow_into =`, free of links; empty = anywhere. What is in the source
/// itself is never out of bounds.
std::vector<std::string> link_bounds(const std::optional<std::vector<std::string>>& follow_into,
                                     const std::string& resolved_source);

/// Resolves `path`; a relative one starts at the physical directory `base`.
Resolution resolve(const std::string& base, const std::string& path);

/// The physical path of `path` (absolute), without asking a file system that may never answer: from
/// the mount point of a remote one on it is as it was written.
std::string place_of(const std::string& path, const Mounts& mounts);

}  // namespace mirrord
