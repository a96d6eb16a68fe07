#include "core/mounts.hpp"

#include <charconv>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

namespace mirrord {

namespace {

/// The byte that "\040" and the like stand for.
std::optional<char> octal_byte(std::string_view text) {
  if (text.size() < 4 || text[0] != '\\') return std::nullopt;
  unsigned char byte = 0;
  auto [end, error] = std::from_chars(text.data() + 1, text.data() + 4, byte, 8);
  bool whole = error == std::errc() && end == text.data() + 4;
  return whole ? std::optional(static_cast<char>(byte)) : std::nullopt;
}

/// mangle_path() in the kernel escapes space, tab, newline and backslash.
std::string unescape(std::string_view field) {
  std::string text;
  while (!field.empty()) {
    auto byte = octal_byte(field);
    text += byte.value_or(field.front());
    field.remove_prefix(byte ? 4 : 1);
  }
  return text;
}

}  // namespace

Mounts parse_mounts(const std::string& mountinfo) {
  constexpr size_t kId = 0, kDevice = 2, kRoot = 3, kPoint = 4;
  Mounts mounts;
  std::istringstream lines(mountinfo);
  for (std::string line; std::getline(lines, line);) {
    // 36 35 98:0 /root /mount/point options …
    std::istringstream text(line);
    std::vector<std::string> fields;
    // Names may hold any other white space.
    for (std::string field; fields.size() <= kPoint && std::getline(text, field, ' ');)
      fields.push_back(field);
    if (fields.size() > kPoint && fields[kPoint].starts_with('/'))
      mounts[unescape(fields[kPoint])] = fields[kId] + ' ' + fields[kDevice] + ' ' + fields[kRoot];
  }
  return mounts;
}

std::string mount_point_of(const Mounts& mounts, const std::string& path) {
  for (std::string p = path; p.size() > 1; p = p.substr(0, p.rfind('/')))
    if (mounts.contains(p)) return p;
  return "/";
}

}  // namespace mirrord
