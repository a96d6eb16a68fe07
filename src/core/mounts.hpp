// The mount table as a value: which directories are mount points, from proc(5) mountinfo.
#pragma once

#include <set>
#include <string>

namespace mirrord {

/// Mount points in the text of /proc/self/mountinfo, with its octal escapes undone.
std::set<std::string> parse_mount_points(const std::string& mountinfo);

/// The mount point that `path` (absolute, free of links) is on.
std::string mount_point_of(const std::set<std::string>& mount_points, const std::string& path);

}  // namespace mirrord
