#include "core/watch_map.hpp"

#include <algorithm>
#include <cassert>
#include <functional>

#include "core/change.hpp"

namespace mirrord {

size_t WatchMap::ChildHash::operator()(const ChildKey& key) const {
  return std::hash<std::string_view>{}(key.name) * 31 + key.parent;
}

size_t WatchMap::ChildHash::operator()(NodeId dir) const {
  const Dir& d = map->at(dir);
  return (*this)(ChildKey{d.parent, d.name});
}

bool WatchMap::ChildEqual::operator()(const ChildKey& key, NodeId dir) const {
  const Dir& d = map->at(dir);
  return d.parent == key.parent && d.name == key.name;
}

NodeId WatchMap::new_slot() {
  if (free_.empty()) {
    dirs_.emplace_back();
    return static_cast<NodeId>(dirs_.size() - 1);
  }
  NodeId slot = free_.back();
  free_.pop_back();
  return slot;
}

NodeId WatchMap::add_dir(TreeId tree, NodeId parent, std::string_view name, int wd, LinkId via) {
  assert(tree != 0 && child(parent, name) == 0);
  NodeId dir = new_slot();
  Dir& d = at(dir);
  d.tree = tree;
  d.parent = parent;
  d.name = name;
  d.via = via;
  if (parent != 0) {
    d.next_sibling = at(parent).first_child;
    if (d.next_sibling != 0) at(d.next_sibling).previous_sibling = dir;
    at(parent).first_child = dir;
    children_.insert(dir);
  }
  if (wd >= 0) attach(dir, wd);
  if (via != 0) links_.at(via).dir = dir;
  ++counts_[tree].directories;
  return dir;
}

void WatchMap::attach(NodeId dir, int wd) {
  Watch& watch = watches_[wd];
  at(dir).wd = wd;
  at(dir).next_alias = watch.first_dir;
  watch.first_dir = dir;
}

void WatchMap::set_watch(NodeId dir, int wd) {
  if (std::exchange(at(dir).unwatched, false)) --counts_[at(dir).tree].unwatched;
  attach(dir, wd);
}

void WatchMap::set_unwatched(NodeId dir) {
  if (std::exchange(at(dir).unwatched, true)) return;
  ++counts_[at(dir).tree].unwatched;
}

void WatchMap::detach(NodeId dir) {
  int wd = at(dir).wd;
  if (wd < 0) return;
  NodeId* slot = &watches_.at(wd).first_dir;
  while (*slot != dir) slot = &at(*slot).next_alias;
  *slot = at(dir).next_alias;
  at(dir).next_alias = 0;
  at(dir).wd = -1;
  release(wd);
}

void WatchMap::release(int wd) {
  auto found = watches_.find(wd);
  if (found == watches_.end() || found->second.first_dir != 0 || found->second.pins != 0) return;
  watches_.erase(found);
  unused_.push_back(wd);
}

void WatchMap::unlink_from_parent(NodeId dir) {
  Dir& d = at(dir);
  if (d.parent == 0) return;
  children_.erase(dir);
  if (d.next_sibling != 0) at(d.next_sibling).previous_sibling = d.previous_sibling;
  if (d.previous_sibling != 0) {
    at(d.previous_sibling).next_sibling = d.next_sibling;
  } else {
    at(d.parent).first_child = d.next_sibling;
  }
}

void WatchMap::remove_dir(NodeId dir) {
  // Iterative, deepest first: a tree may be deeper than the stack.
  NodeId current = dir;
  while (true) {
    while (at(current).first_child != 0) current = at(current).first_child;
    NodeId up = at(current).parent;
    bool last = current == dir;
    remove_one(current);
    if (last) return;
    current = up;
  }
}

void WatchMap::remove_one(NodeId dir) {
  remove_links_below(dir);
  detach(dir);
  unlink_from_parent(dir);
  Dir& d = at(dir);
  if (d.via != 0) {
    links_.at(d.via).dir = 0;
    erase_link(d.via);
  }
  Counts& counts = counts_[d.tree];
  --counts.directories;
  if (d.unwatched) --counts.unwatched;
  d = Dir{};
  free_.push_back(dir);
}

void WatchMap::remove_links_below(NodeId dir) {
  // Directories below are gone already, so these links lead to no directory of ours.
  for (auto it = link_index_.lower_bound({dir, ""});
       it != link_index_.end() && it->first.first == dir; it = link_index_.lower_bound({dir, ""}))
    erase_link(it->second);
}

void WatchMap::forget_watch(int wd) {
  auto found = watches_.find(wd);
  if (found == watches_.end()) return;
  for (NodeId dir = found->second.first_dir; dir != 0;) {
    NodeId next = at(dir).next_alias;
    at(dir).wd = -1;
    at(dir).next_alias = 0;
    dir = next;
  }
  watches_.erase(found);
}

LinkId WatchMap::add_link(Link link) {
  LinkId id = ++last_link_;
  if (link.parent != 0) link_index_[{link.parent, link.name}] = id;
  for (const Pin& pin : link.pins)
    if (pins_[pin].insert(id).second) ++watches_[pin.wd].pins;
  if (is_left_out(link.end)) left_out_[link.tree].insert(id);
  else if (link.parent != 0) ++counts_[link.tree].followed_links;
  links_.emplace(id, std::move(link));
  return id;
}

void WatchMap::remove_link(LinkId id) {
  NodeId dir = links_.at(id).dir;
  if (dir != 0) remove_dir(dir);  // takes its link with it
  else erase_link(id);
}

void WatchMap::erase_link(LinkId id) {
  Link link = std::move(links_.at(id));
  links_.erase(id);
  if (link.parent != 0) link_index_.erase({link.parent, link.name});
  if (is_left_out(link.end)) left_out_[link.tree].erase(id);
  else if (link.parent != 0) --counts_[link.tree].followed_links;
  for (const Pin& pin : link.pins) {
    auto users = pins_.find(pin);
    if (users == pins_.end() || users->second.erase(id) == 0) continue;
    if (users->second.empty()) pins_.erase(users);
    auto watch = watches_.find(pin.wd);
    if (watch == watches_.end()) continue;  // forgotten already
    --watch->second.pins;
    release(pin.wd);
  }
}

std::vector<int> WatchMap::take_unused() {
  // A descriptor may have found a new user since it was released.
  std::erase_if(unused_, [this](int wd) { return watches_.contains(wd); });
  std::ranges::sort(unused_);
  unused_.erase(std::unique(unused_.begin(), unused_.end()), unused_.end());
  return std::exchange(unused_, {});
}

WatchMap::Touched WatchMap::touched(int wd, const std::string& name) const {
  Touched result{dirs_of(wd), {}};
  auto users = pins_.find(Pin{wd, name});
  if (users != pins_.end()) result.links.assign(users->second.begin(), users->second.end());
  return result;
}

std::vector<NodeId> WatchMap::dirs_of(int wd) const {
  std::vector<NodeId> dirs;
  auto watch = watches_.find(wd);
  if (watch == watches_.end()) return dirs;
  for (NodeId dir = watch->second.first_dir; dir != 0; dir = at(dir).next_alias) dirs.push_back(dir);
  return dirs;
}

std::vector<LinkId> WatchMap::links_through(int wd) const {
  std::set<LinkId> links;
  for (auto it = pins_.lower_bound(Pin{wd, ""}); it != pins_.end() && it->first.wd == wd; ++it)
    links.insert(it->second.begin(), it->second.end());
  return {links.begin(), links.end()};
}

NodeId WatchMap::child(NodeId parent, std::string_view name) const {
  auto found = children_.find(ChildKey{parent, name});
  return found == children_.end() ? 0 : *found;
}

LinkId WatchMap::link_at(NodeId parent, const std::string& name) const {
  auto found = link_index_.find({parent, name});
  return found == link_index_.end() ? 0 : found->second;
}

std::string WatchMap::path(NodeId dir) const {
  std::vector<const std::string*> names;
  for (NodeId d = dir; at(d).parent != 0; d = at(d).parent) names.push_back(&at(d).name);
  std::string path;
  for (auto name = names.rbegin(); name != names.rend(); ++name) path = join(path, **name);
  return path;
}

std::string WatchMap::path(const Link& link) const {
  return link.parent == 0 ? std::string() : join(path(link.parent), link.name);
}

bool WatchMap::on_branch(NodeId dir, int wd) const {
  for (; dir != 0; dir = at(dir).parent)
    if (at(dir).wd == wd) return true;
  return false;
}

std::vector<std::string> WatchMap::left_out(TreeId tree) const {
  std::vector<std::string> paths;
  auto found = left_out_.find(tree);
  if (found == left_out_.end()) return paths;
  for (LinkId id : found->second)
    if (links_.at(id).parent != 0) paths.push_back(path(links_.at(id)));
  std::ranges::sort(paths);
  return paths;
}

WatchMap::Counts WatchMap::counts(TreeId tree) const {
  auto found = counts_.find(tree);
  return found == counts_.end() ? Counts{} : found->second;
}

size_t WatchMap::directories(TreeId tree) const { return counts(tree).directories; }
size_t WatchMap::followed_links(TreeId tree) const { return counts(tree).followed_links; }
size_t WatchMap::unwatched(TreeId tree) const { return counts(tree).unwatched; }

}  // namespace mirrord
