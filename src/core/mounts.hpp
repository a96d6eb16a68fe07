// The mount table as a value: which directories are mount points, from proc(5) mountinfo.
#pragma once

#include <map>
#include <string>

namespace mirrord {

/// Mount points, and which mount is there: of several the one on top. That text differs where
/// another one is there now; all it can be used for is to compare it.
using Mounts = std::map<std::string, std::string>;

/// Of the text of /proc/self/mountinfo, with its octal escapes undone.
Mounts parse_mounts(const std::string& mountinfo);

/// The mount point that `path` (absolute, free of links) is on.
std::string mount_point_of(const Mounts& mounts, const std::string& path);

}  // namespace mirrord
