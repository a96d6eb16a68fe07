// What a change is: a logical path below a source and how much of it is in doubt.
//
// A logical path is relative to the source, as a reader sees it through the links: "" is the
// source itself, "images/a.png" may live anywhere on disk. Bytes, not text: any name that the
// kernel accepts.
#pragma once

#include <string>
#include <string_view>

namespace mirrord {

/// Ordered: a later kind includes the earlier ones.
enum class ChangeKind {
  attributes,  ///< mode, owner, times of one entry
  data,        ///< the entry itself: contents, existence, type; of a directory not what is below
  children,    ///< of a directory: also which entries it has, but not what is in them
  tree,        ///< the entry and everything below it
};

struct Change {
  std::string path;
  ChangeKind kind = ChangeKind::data;
  bool operator==(const Change&) const = default;
};

/// "dir/name"; the name alone when dir is the source itself.
inline std::string join(const std::string& dir, std::string_view name) {
  if (dir.empty()) return std::string(name);
  if (name.empty()) return dir;
  std::string path;
  path.reserve(dir.size() + 1 + name.size());
  return path.append(dir).append(1, '/').append(name);
}

/// Whether `path` is `top` or something below it. Everything is below "".
inline bool is_part_of(const std::string& path, const std::string& top) {
  if (top.empty() || path == top) return true;
  return path.size() > top.size() && path.starts_with(top) && path[top.size()] == '/';
}

/// The directory that holds it: "" for what is directly in the source.
inline std::string parent_of(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

}  // namespace mirrord
