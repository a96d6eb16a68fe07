#include "core/mounts.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <span>
#include <sstream>
#include <string_view>
#include <vector>

namespace mirrord {

namespace {

constexpr std::string_view kRemoteTypes[] = {"nfs",  "nfs4",   "cifs",  "smb3",  "9p",
                                             "ceph", "lustre", "gfs2",  "ocfs2", "afs",
                                             "coda", "vboxsf", "autofs"};

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

/// It follows the "-" that ends the optional fields.
std::string type_in(std::span<const std::string> fields) {
  const auto separator = std::ranges::find(fields, "-");
  return std::distance(separator, fields.end()) > 1 ? *std::next(separator) : "";
}

}  // namespace

bool is_remote(const Mount& mount) {
  return mount.type.starts_with("fuse") ||
         std::ranges::find(kRemoteTypes, mount.type) != std::end(kRemoteTypes);
}

Mounts parse_mounts(const std::string& mountinfo) {
  constexpr size_t kId = 0, kDevice = 2, kRoot = 3, kPoint = 4, kOptional = 6;
  Mounts mounts;
  std::istringstream lines(mountinfo);
  for (std::string line; std::getline(lines, line);) {
    // 36 35 98:0 /root /mount/point options [optional fields] - type source options
    std::istringstream text(line);
    std::vector<std::string> fields;
    // Names may hold any other white space.
    for (std::string field; std::getline(text, field, ' ');) fields.push_back(field);
    if (fields.size() <= kPoint || !fields[kPoint].starts_with('/')) continue;
    mounts[unescape(fields[kPoint])] = {
        fields[kId] + ' ' + fields[kDevice] + ' ' + fields[kRoot],
        type_in(std::span(fields).subspan(std::min(kOptional, fields.size())))};
  }
  return mounts;
}

std::string mount_point_of(const Mounts& mounts, const std::string& path) {
  for (std::string p = path; p.size() > 1; p = p.substr(0, p.rfind('/')))
    if (mounts.contains(p)) return p;
  return "/";
}

}  // namespace mirrord
