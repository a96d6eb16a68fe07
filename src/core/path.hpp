// Paths as strings: how they are put together, and which lies below which.
//
// A *logical* path is relative to a source, "" is the source itself. An *absolute* one is clean:
// free of "." and "..", and without a slash at its end. Bytes, not text: any name that the kernel
// accepts. Asks no file system.
#pragma once

#include <string>
#include <string_view>

namespace mirrord {

// ---- logical

/// "dir/name"; the name alone when dir is the source itself.
std::string join(const std::string& dir, std::string_view name);

/// Whether `path` is `top` or something below it. Everything is below "".
bool is_part_of(const std::string& path, const std::string& top);

/// The directory that holds it: "" for what is directly in the source.
std::string parent_of(const std::string& path);

// ---- absolute

/// Whether `path` is `directory` or below it.
bool is_at_or_below(const std::string& path, const std::string& directory);

/// Whether one of them is the other, or above it.
bool paths_overlap(const std::string& a, const std::string& b);

/// The rest of `path`, which is at or below `top`: a logical path.
std::string relative_to(const std::string& path, const std::string& top);

}  // namespace mirrord
