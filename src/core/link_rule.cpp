#include "core/link_rule.hpp"

#include <algorithm>

#include "core/mounts.hpp"

namespace mirrord {

namespace {

/// Calls `visit` for each component that is neither empty nor ".".
template <class Visit>
void for_components(const std::string& path, Visit visit) {
  for (size_t start = 0; start < path.size();) {
    size_t end = std::min(path.find('/', start), path.size());
    std::string_view part = std::string_view(path).substr(start, end - start);
    if (!part.empty() && part != ".") visit(part);
    start = end + 1;
  }
}

}  // namespace

bool is_unsafe_link(const std::string& path, const std::string& text) {
  if (text.empty() || text.starts_with('/')) return true;
  int depth = -1;  // of the directory that holds the link
  for_components(path, [&](std::string_view) { ++depth; });
  bool unsafe = false, named = false;
  for_components(text, [&](std::string_view part) {
    bool up = part == "..";
    if (up && (named || --depth < 0)) unsafe = true;
    if (!up) named = true;
  });
  return unsafe;
}

bool is_followed(Symlinks rule, const std::string& path, const std::string& text) {
  switch (rule) {
    case Symlinks::follow:
      return true;
    case Symlinks::preserve:
      return false;
    case Symlinks::follow_external:
      return is_unsafe_link(path, text);
  }
  return false;
}

bool is_within(const std::string& referent, const std::vector<std::string>& directories) {
  if (directories.empty()) return true;
  return std::ranges::any_of(directories, [&](const std::string& directory) {
    return is_at_or_below(referent, directory);
  });
}

}  // namespace mirrord
