// TreeWatcher: what the rules of a tree exclude.
//
// Every directory that is watched is included, so that only the name in it is in question. Rules
// may depend on whether it is a directory: which of something that is gone, and of its copy on a
// target, nobody knows.
#include <dirent.h>

#include <algorithm>

#include "core/path.hpp"
#include "io/tree_watcher.hpp"

namespace mirrord {

bool TreeWatcher::excludes(NodeId dir, std::string_view name, bool is_directory) const {
  const Filter& filter = trees_.at(map_.tree_of(dir)).filter;
  return !filter.empty() && filter.excludes(join(map_.path(dir), name), is_directory);
}

bool TreeWatcher::excludes_whatever_it_is(NodeId dir, std::string_view name) const {
  const Filter& filter = trees_.at(map_.tree_of(dir)).filter;
  if (filter.empty()) return false;
  const std::string path = join(map_.path(dir), name);
  return filter.excludes(path, false) && filter.excludes(path, true);
}

/// Of what is no directory: nothing else is mirrored by this name either.
bool TreeWatcher::is_left_out_file(NodeId dir, std::string_view name) const {
  return excludes(dir, name, false) && map_.child(dir, name) == 0 && map_.link_at(dir, name) == 0;
}

bool TreeWatcher::is_excluded_somewhere(const WatchEvent& event) const {
  auto has_rules = [](const auto& tree) { return !tree.second.filter.empty(); };
  if (std::ranges::none_of(trees_, has_rules)) return false;
  return std::ranges::any_of(map_.dirs_of(event.wd),
                             [&](NodeId dir) { return excludes_whatever_it_is(dir, event.name); });
}

/// `type` as in readdir(3). Where a link leads is not known yet.
bool TreeWatcher::excludes_found(NodeId dir, std::string_view name, unsigned char type) const {
  if (type == DT_LNK) return excludes_whatever_it_is(dir, name);
  return excludes(dir, name, type == DT_DIR);
}

Entry TreeWatcher::filtered(TreeId tree, const std::string& path, Entry entry) const {
  const Filter& filter = trees_.at(tree).filter;
  if (filter.empty() || entry == Entry::left_out) return entry;
  const bool as_directory = filter.excludes(path, true);
  const bool as_other = filter.excludes(path, false);
  if (as_directory && as_other) return Entry::left_out;
  if (entry == Entry::missing && (as_directory || as_other)) return Entry::unclear;
  const bool excluded = entry == Entry::directory ? as_directory : as_other;
  return excluded ? Entry::unclear : entry;
}

}  // namespace mirrord
