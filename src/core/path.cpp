#include "core/path.hpp"

namespace mirrord {

std::string join(const std::string& dir, std::string_view name) {
  if (dir.empty()) return std::string(name);
  if (name.empty()) return dir;
  std::string path;
  path.reserve(dir.size() + 1 + name.size());
  return path.append(dir).append(1, '/').append(name);
}

bool is_part_of(const std::string& path, const std::string& top) {
  if (top.empty() || path == top) return true;
  return path.size() > top.size() && path.starts_with(top) && path[top.size()] == '/';
}

std::string parent_of(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

bool is_at_or_below(const std::string& path, const std::string& directory) {
  return directory == "/" || (!directory.empty() && is_part_of(path, directory));
}

bool paths_overlap(const std::string& a, const std::string& b) {
  return is_at_or_below(a, b) || is_at_or_below(b, a);
}

std::string relative_to(const std::string& path, const std::string& top) {
  if (path.size() == top.size()) return "";
  return path.substr(top == "/" ? 1 : top.size() + 1);
}

}  // namespace mirrord
