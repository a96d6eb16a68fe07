// Which of many paths are, hold or are below another: by lookup, because batches are long.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace mirrord {

/// Those of an ordered set of paths that are below `top`: the first, and one behind the last.
template <class Paths>
auto range_below(Paths& paths, const std::string& top) {
  if (top.empty()) return std::pair(paths.begin(), paths.end());
  // In byte order all of "top/…" stands between "top/" and "top0".
  return std::pair(paths.lower_bound(top + '/'),
                   paths.lower_bound(top + static_cast<char>('/' + 1)));
}

/// Those of `paths` that are, hold or are below `path`.
std::vector<std::string> related(const std::set<std::string>& paths, const std::string& path);

/// Those of `paths` that are related to one of `touched`; none when one of `touched` is related to
/// none of them.
std::vector<std::string> paths_touched_by(const std::vector<std::string>& paths,
                                          const std::vector<std::string>& touched);

}  // namespace mirrord
