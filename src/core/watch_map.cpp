#include "core/watch_map.hpp"

#include <algorithm>
#include <cassert>
#include <functional>

namespace mirrord {

size_t WatchMap::child_hash(NodeId parent, std::string_view name) {
  return std::hash<std::string_view>{}(name) ^ (parent * size_t{0x9e3779b97f4a7c15});
}

namespace {

size_t wd_hash(int wd) { return static_cast<size_t>(wd) * size_t{0x9e3779b97f4a7c15} >> 32; }

}  // namespace

// ---- slots

NodeId WatchMap::new_slot() {
  if (first_free_ == 0) {
    dirs_.emplace_back();
    return static_cast<NodeId>(dirs_.size() - 1);
  }
  NodeId slot = first_free_;
  first_free_ = at(slot).next_sibling;
  at(slot) = Dir{};
  return slot;
}

void WatchMap::free_slot(NodeId dir) {
  names_.remove(at(dir).name);
  at(dir) = Dir{};
  at(dir).next_sibling = first_free_;
  first_free_ = dir;
  if (names_.wants_collection()) collect_names();
}

void WatchMap::collect_names() {
  NameArena fresh;
  for (Dir& d : dirs_)
    if (d.tree != 0) d.name = fresh.add(names_.at(d.name));
  names_ = std::move(fresh);
}

// ---- directories

NodeId WatchMap::add_dir(TreeId tree, NodeId parent, std::string_view name, int wd, LinkId via) {
  assert(tree != 0 && (parent == 0 || child(parent, name) == 0));
  NodeId dir = new_slot();
  Dir& d = at(dir);
  d.tree = tree & 0x1fffffff;  // the width of the field
  d.parent = parent;
  d.name = names_.add(name);
  if (parent != 0) {
    d.next_sibling = at(parent).first_child;
    if (d.next_sibling != 0) at(d.next_sibling).previous_sibling = dir;
    at(parent).first_child = dir;
    children_.insert(dir, [this](NodeId id) { return child_hash(id); });
  }
  if (via != 0) {
    d.linked = true;
    via_[dir] = via;
    links_.at(via).dir = dir;
  }
  if (wd >= 0) attach(dir, wd);
  ++counts_[tree].directories;
  return dir;
}

void WatchMap::set_watch(NodeId dir, int wd) {
  if (at(dir).unwatched) --counts_[at(dir).tree].unwatched;
  at(dir).unwatched = false;
  attach(dir, wd);
}

void WatchMap::set_unwatched(NodeId dir) {
  if (at(dir).unwatched) return;
  at(dir).unwatched = true;
  ++counts_[at(dir).tree].unwatched;
}

void WatchMap::set_unreadable(NodeId dir, bool unreadable) {
  at(dir).unreadable = unreadable;
  if (unreadable) {
    unreadable_[at(dir).tree].insert(dir);
    return set_unwatched(dir);
  }
  unreadable_[at(dir).tree].erase(dir);
  if (at(dir).wd < 0 || !at(dir).unwatched) return;
  at(dir).unwatched = false;  // it kept its watch all the time
  --counts_[at(dir).tree].unwatched;
}

const std::set<NodeId>& WatchMap::unreadable_dirs(TreeId tree) const {
  static const std::set<NodeId> kNone;
  auto found = unreadable_.find(tree);
  return found == unreadable_.end() ? kNone : found->second;
}

NodeId WatchMap::first_dir(int wd) const {
  return by_wd_.find(wd_hash(wd), [&](NodeId id) { return at(id).wd == wd; });
}

void WatchMap::attach(NodeId dir, int wd) {
  if (!uses(wd)) ++watches_;
  at(dir).wd = wd;
  if (NodeId first = first_dir(wd)) {
    const NodeId next = std::exchange(at(first).next_alias, dir);
    at(dir).previous_alias = first;
    at(dir).next_alias = next;
    if (next != 0) at(next).previous_alias = dir;
  } else {
    by_wd_.insert(dir, [this](NodeId id) { return wd_hash(at(id).wd); });
  }
}

void WatchMap::detach(NodeId dir) {
  auto hash = [this](NodeId id) { return wd_hash(at(id).wd); };
  int wd = at(dir).wd;
  if (wd < 0) return;
  const NodeId next = std::exchange(at(dir).next_alias, 0);
  const NodeId previous = std::exchange(at(dir).previous_alias, 0);
  if (next != 0) at(next).previous_alias = previous;
  if (previous != 0) {
    at(previous).next_alias = next;
  } else {
    by_wd_.erase(dir, hash);
    if (next != 0) by_wd_.insert(next, hash);
  }
  at(dir).wd = -1;
  release(wd);
}

void WatchMap::release(int wd) {
  if (uses(wd)) return;
  --watches_;
  unused_.push_back(wd);
}

void WatchMap::unlink_from_parent(NodeId dir) {
  Dir& d = at(dir);
  if (d.parent == 0) return;
  children_.erase(dir, [this](NodeId id) { return child_hash(id); });
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

void WatchMap::remove_children(NodeId dir) {
  while (NodeId child = at(dir).first_child) remove_dir(child);
  remove_links_below(dir);
}

void WatchMap::remove_one(NodeId dir) {
  remove_links_below(dir);
  detach(dir);
  unlink_from_parent(dir);
  if (LinkId link = via(dir)) {
    via_.erase(dir);
    links_.at(link).dir = 0;
    erase_link(link);
  }
  Counts& counts = counts_[at(dir).tree];
  --counts.directories;
  if (at(dir).unwatched) --counts.unwatched;
  if (at(dir).unreadable) unreadable_[at(dir).tree].erase(dir);
  free_slot(dir);
}

void WatchMap::remove_links_below(NodeId dir) {
  // Directories below are gone already, so these links lead to no directory of ours.
  for (auto it = link_index_.lower_bound({dir, ""});
       it != link_index_.end() && it->first.first == dir; it = link_index_.lower_bound({dir, ""}))
    erase_link(it->second);
}

void WatchMap::forget_watch(int wd) {
  if (!uses(wd)) return;
  NodeId dir = first_dir(wd);
  if (dir != 0) by_wd_.erase(dir, [this](NodeId id) { return wd_hash(at(id).wd); });
  while (dir != 0) {
    at(dir).wd = -1;
    set_unwatched(dir);
    at(dir).previous_alias = 0;
    dir = std::exchange(at(dir).next_alias, 0);
  }
  pin_counts_.erase(wd);
  --watches_;
}

std::vector<int> WatchMap::take_unused() {
  // A descriptor may have found a new user since it was released.
  std::erase_if(unused_, [this](int wd) { return uses(wd); });
  std::ranges::sort(unused_);
  unused_.erase(std::unique(unused_.begin(), unused_.end()), unused_.end());
  return std::exchange(unused_, {});
}

WatchMap::Touched WatchMap::touched(int wd, std::string_view name) const {
  Touched result{dirs_of(wd), {}};
  auto users = pins_.find(Pin{wd, std::string(name)});
  if (users != pins_.end()) result.links.assign(users->second.begin(), users->second.end());
  return result;
}

std::vector<NodeId> WatchMap::dirs_of(int wd) const {
  std::vector<NodeId> dirs;
  for (NodeId dir = first_dir(wd); dir != 0; dir = at(dir).next_alias) dirs.push_back(dir);
  return dirs;
}

NodeId WatchMap::child(NodeId parent, std::string_view name) const {
  return children_.find(child_hash(parent, name), [&](NodeId id) {
    return at(id).parent == parent && this->name(id) == name;
  });
}

std::string WatchMap::path(NodeId dir) const {
  size_t length = 0;
  for (NodeId d = dir; at(d).parent != 0; d = at(d).parent) length += name(d).size() + 1;
  if (length == 0) return "";
  std::string path(length - 1, '/');
  size_t end = path.size();
  for (NodeId d = dir; at(d).parent != 0; d = at(d).parent) {
    std::string_view part = name(d);
    path.replace(end - part.size(), part.size(), part);
    end -= part.size() + 1;
  }
  return path;
}

std::vector<int> WatchMap::branch(NodeId dir) const {
  std::vector<int> wds;
  for (; dir != 0; dir = at(dir).parent)
    if (at(dir).wd >= 0) wds.push_back(at(dir).wd);
  return wds;
}

WatchMap::Place WatchMap::find(NodeId root, std::string_view path) const {
  NodeId dir = root;
  bool unreadable = false;
  while (!path.empty()) {
    unreadable |= at(dir).unreadable;
    size_t end = std::min(path.find('/'), path.size());
    std::string_view name = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    NodeId next = child(dir, name);
    if (next == 0) return {0, path.empty() ? link_at(dir, name) : 0, unreadable};
    dir = next;
  }
  return {dir, via(dir), unreadable};
}

WatchMap::Counts WatchMap::counts(TreeId tree) const {
  auto found = counts_.find(tree);
  return found == counts_.end() ? Counts{} : found->second;
}

size_t WatchMap::directories(TreeId tree) const { return counts(tree).directories; }
size_t WatchMap::followed_links(TreeId tree) const { return counts(tree).followed_links; }
size_t WatchMap::unwatched(TreeId tree) const { return counts(tree).unwatched; }

}  // namespace mirrord
