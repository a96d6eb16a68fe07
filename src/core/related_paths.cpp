#include "core/related_paths.hpp"

#include "core/path.hpp"

namespace mirrord {

std::vector<std::string> related(const std::set<std::string>& paths, const std::string& path) {
  auto [first, last] = range_below(paths, path);
  std::vector<std::string> found(first, last);
  for (std::string top = path;; top = parent_of(top)) {
    if (paths.contains(top)) found.push_back(top);
    if (top.empty()) return found;
  }
}

std::vector<std::string> paths_touched_by(const std::vector<std::string>& paths,
                                          const std::vector<std::string>& touched) {
  const std::set<std::string> sent(paths.begin(), paths.end());
  std::set<std::string> found;
  for (const std::string& path : touched) {
    auto concerned = related(sent, path);
    if (concerned.empty()) return {};
    found.insert(concerned.begin(), concerned.end());
  }
  return {found.begin(), found.end()};
}

}  // namespace mirrord
