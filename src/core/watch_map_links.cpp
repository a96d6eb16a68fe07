// WatchMap: links and the steps that they depend on.
#include <algorithm>

#include "core/path.hpp"
#include "core/watch_map.hpp"

namespace mirrord {

LinkId WatchMap::add_link(Link link) {
  LinkId id = ++last_link_;
  if (link.parent != 0) link_index_[{link.parent, link.name}] = id;
  for (const Pin& pin : link.pins) add_pin(pin, id);
  if (is_left_out(link.end))
    left_out_[link.tree].insert(id);
  else if (link.parent != 0)
    ++counts_[link.tree].followed_links;
  links_.emplace(id, std::move(link));
  return id;
}

void WatchMap::remove_link(LinkId id) {
  NodeId dir = links_.at(id).dir;
  if (dir != 0)
    remove_dir(dir);  // takes its link with it
  else
    erase_link(id);
}

void WatchMap::erase_link(LinkId id) {
  Link link = std::move(links_.at(id));
  links_.erase(id);
  if (link.parent != 0) link_index_.erase({link.parent, link.name});
  if (is_left_out(link.end))
    left_out_[link.tree].erase(id);
  else if (link.parent != 0)
    --counts_[link.tree].followed_links;
  for (const Pin& pin : link.pins) remove_pin(pin, id);
}

void WatchMap::add_pin(const Pin& pin, LinkId link) {
  if (!pins_[pin].insert(link).second) return;
  if (!uses(pin.wd)) ++watches_;
  ++pin_counts_[pin.wd];
}

void WatchMap::remove_pin(const Pin& pin, LinkId link) {
  auto users = pins_.find(pin);
  if (users == pins_.end() || users->second.erase(link) == 0) return;
  if (users->second.empty()) pins_.erase(users);
  auto count = pin_counts_.find(pin.wd);
  if (count == pin_counts_.end()) return;  // the kernel has ended this watch already
  if (--count->second == 0) pin_counts_.erase(count);
  release(pin.wd);
}

std::vector<LinkId> WatchMap::links_through(int wd) const {
  std::set<LinkId> links;
  for (auto it = pins_.lower_bound(Pin{wd, ""}); it != pins_.end() && it->first.wd == wd; ++it)
    links.insert(it->second.begin(), it->second.end());
  return {links.begin(), links.end()};
}

std::vector<LinkId> WatchMap::links_in(TreeId tree) const {
  std::vector<LinkId> links;
  for (const auto& [id, link] : links_)
    if (link.tree == tree) links.push_back(id);
  std::ranges::sort(links);
  return links;
}

LinkId WatchMap::link_at(NodeId parent, std::string_view name) const {
  if (link_index_.empty()) return 0;
  auto found = link_index_.find({parent, std::string(name)});
  return found == link_index_.end() ? 0 : found->second;
}

std::string WatchMap::path(const Link& link) const {
  return link.parent == 0 ? std::string() : join(path(link.parent), link.name);
}

std::vector<std::string> WatchMap::hidden(TreeId tree) const {
  std::vector<std::string> paths;
  if (auto found = left_out_.find(tree); found != left_out_.end())
    for (LinkId id : found->second)
      if (const Link& l = links_.at(id); l.parent != 0 && l.end != LinkEnd::unreadable)
        paths.push_back(path(l));
  std::ranges::sort(paths);
  return paths;
}

std::vector<std::string> WatchMap::unreadable(TreeId tree) const {
  std::vector<std::string> paths;
  if (auto found = left_out_.find(tree); found != left_out_.end())
    for (LinkId id : found->second)
      if (const Link& l = links_.at(id); l.parent != 0 && l.end == LinkEnd::unreadable)
        paths.push_back(path(l));
  for (NodeId dir : unreadable_dirs(tree)) paths.push_back(path(dir));
  std::ranges::sort(paths);
  return paths;
}

}  // namespace mirrord
