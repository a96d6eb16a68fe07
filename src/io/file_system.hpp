// What a file system can tell inotify: statfs(2) types on which other hosts' changes go unseen.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/explanation.hpp"
#include "core/mounts.hpp"
#include "core/watch_map.hpp"
#include "io/handle.hpp"

namespace mirrord {

/// The name of the open directory's file system if inotify sees only changes made on this host
/// through it (NFS, CIFS, FUSE, overlay, …); "" otherwise.
std::string reports_only_local_changes(const Fd& directory);

/// What is at the end of a path, through links; nothing when it cannot be looked at.
std::optional<Identity> identity_of(const std::string& path);

/// Whether some process has the file open for writing; nothing when that cannot be found out
/// (the file is gone, or neither ours nor ours to ask about: CAP_LEASE, fcntl(2)).
std::optional<bool> is_open_for_writing(const std::string& path);

/// Whether there is nothing in the directory, as far as can be seen; a file system that has just
/// been made counts as empty.
bool is_empty_directory(const std::string& path);

/// Whether the file at the end of a path, through links, is known by another name, too.
bool has_hard_links(const std::string& path);
/// Bytes in a regular file, through links; 0 for anything else.
uint64_t file_size(const std::string& path);
/// Whether below a directory are more than so many bytes or entries. It looks no further than that,
/// follows no links, and is content with "more" after `looks` entries, which it counts down.
bool holds_more_than(const std::string& directory, uint64_t bytes, size_t entries, size_t& looks);

/// What is at a logical path below `source`, and which links are on the way to it.
PathFacts look_along(const std::string& source, const std::string& path);

/// What is mounted for this process, now; of the open /proc/self/mountinfo.
Mounts read_mounts(const Fd& mountinfo);

}  // namespace mirrord
