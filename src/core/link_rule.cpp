#include "core/link_rule.hpp"

#include <algorithm>

#include "core/path.hpp"

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

/// Whether ".." stands anywhere but in the beginning, as rsync >= 3.4.0 sees it: "../.." ends in
/// one, "../../" does not.
bool has_late_parent(std::string_view text) {
  if (text.ends_with("/..")) return true;
  while (text.starts_with("../")) {
    text.remove_prefix(3);
    text.remove_prefix(std::min(text.find_first_not_of('/'), text.size()));
  }
  return text.find("/../") != std::string_view::npos;
}

}  // namespace

bool is_unsafe_link(const std::string& path, const std::string& text) {
  if (text.empty() || text.starts_with('/') || has_late_parent(text)) return true;
  int depth = -1;  // of the directory that holds the link
  for_components(path, [&](std::string_view) { ++depth; });
  for_components(text, [&](std::string_view part) { depth -= part == ".."; });
  return depth < 0;
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

bool is_entangled(const std::string& copy, const std::string& referent, const std::string& path,
                  bool deletes) {
  if (is_at_or_below(copy, referent)) return true;
  if (!is_at_or_below(referent, copy)) return false;
  return path.empty() || deletes || relative_to(referent, copy) == path;
}

bool is_within(const std::string& referent, const std::vector<std::string>& directories) {
  if (directories.empty()) return true;
  return std::ranges::any_of(directories, [&](const std::string& directory) {
    return is_at_or_below(referent, directory);
  });
}

}  // namespace mirrord
