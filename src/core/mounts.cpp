#include "core/mounts.hpp"

#include <sstream>

namespace mirrord {

namespace {

/// "\040" is a space; mangle_path() in the kernel escapes space, tab, newline and backslash.
std::string unescape(const std::string& field) {
  std::string text;
  for (size_t i = 0; i < field.size(); ++i) {
    bool octal = field[i] == '\\' && field.size() - i > 3;
    text += octal ? static_cast<char>(std::stoi(field.substr(i + 1, 3), nullptr, 8)) : field[i];
    if (octal) i += 3;
  }
  return text;
}

}  // namespace

std::set<std::string> parse_mount_points(const std::string& mountinfo) {
  std::set<std::string> points;
  std::istringstream lines(mountinfo);
  for (std::string line; std::getline(lines, line);) {
    // 36 35 98:0 /root /mount/point options …
    std::istringstream fields(line);
    std::string field;
    for (int i = 0; i < 5; ++i) fields >> field;
    if (fields) points.insert(unescape(field));
  }
  return points;
}

std::string mount_point_of(const std::set<std::string>& mount_points, const std::string& path) {
  for (std::string p = path; p.size() > 1; p = p.substr(0, p.rfind('/')))
    if (mount_points.contains(p)) return p;
  return "/";
}

bool is_at_or_below(const std::string& path, const std::string& directory) {
  return directory == "/" || path == directory || path.starts_with(directory + '/');
}

}  // namespace mirrord
