// The mount table as a value: which directories are mount points, from proc(5) mountinfo.
#pragma once

#include <compare>
#include <map>
#include <string>

namespace mirrord {

struct Mount {
  std::string which;  ///< differs where another one is there now; only to be compared
  std::string type;   ///< of the file system, as in filesystems(5)
  auto operator<=>(const Mount&) const = default;
};

/// Mount points, and which mount is there: of several the one on top.
using Mounts = std::map<std::string, Mount>;

/// Of the text of /proc/self/mountinfo, with its octal escapes undone.
Mounts parse_mounts(const std::string& mountinfo);

/// Whether the file system is another host's or another program's, on which a system call may wait
/// without end.
bool is_remote(const Mount& mount);

/// The mount point that `path` (absolute, free of links) is on.
std::string mount_point_of(const Mounts& mounts, const std::string& path);

}  // namespace mirrord
