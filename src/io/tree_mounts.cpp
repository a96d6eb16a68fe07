// TreeWatcher: file systems that come and go. What was on one that has gone, or that was
// replaced by an empty one, was not seen to be deleted.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "core/mounts.hpp"
#include "core/path.hpp"
#include "core/related_paths.hpp"
#include "io/file_system.hpp"
#include "io/tree_watcher.hpp"

namespace mirrord {

/// The directory's file system was unmounted: nothing is known of what it held, so nothing of it
/// is deleted, until one that is not empty is mounted there.
void TreeWatcher::lose(NodeId dir) {
  TreeId tree = map_.tree_of(dir);
  if (map_.parent(dir) == 0) return relink_source(tree);
  if (map_.is_unreadable(dir)) return;
  map_.remove_children(dir);
  map_.set_unreadable(dir, true);
  if (trees_.at(tree).was_unreadable.erase(map_.path(dir)) == 0) listener_.lost(tree);
  listener_.trouble(
      tree,
      {map_.path(dir), "its file system is not mounted, or empty; its copies stay as they are"});
}

void TreeWatcher::lose_link(LinkId id) {
  Link link = map_.link(id);
  if (link.dir != 0) return lose(link.dir);
  if (link.end == LinkEnd::unreadable) return;
  map_.remove_link(id);
  link.end = LinkEnd::unreadable;
  const Link& lost = map_.link(map_.add_link(std::move(link)));
  listener_.lost(lost.tree);
  listener_.trouble(lost.tree, {map_.path(lost),
                                "the file system that it leads to is not mounted, or empty; its "
                                "copies stay as they are"});
}

void TreeWatcher::expect_mounts(const std::set<std::string>& mount_points) {
  refresh_mounts();
  std::ranges::copy_if(mount_points, std::inserter(lost_mounts_, lost_mounts_.end()),
                       [&](const auto& point) { return !mount_table_.contains(point); });
}

/// A mount point that was deleted has taken along what was known of its file system.
void TreeWatcher::drop_gone_mounts(const std::string& physical) {
  std::erase_if(lost_mounts_, [&](const std::string& mount_point) {
    struct stat st {};
    return is_at_or_below(mount_point, physical) && ::lstat(mount_point.c_str(), &st) < 0;
  });
}

bool TreeWatcher::is_lost(const std::string& physical) const {
  return std::ranges::any_of(lost_mounts_, [&](const std::string& mount_point) {
    return is_at_or_below(physical, mount_point);
  });
}

bool TreeWatcher::is_unmounted(TreeId id) const {
  const Tree& tree = trees_.at(id);
  return tree.root == 0 && is_lost(map_.link(tree.root_link).referent);
}

void TreeWatcher::watch_mounts() {
  mounts_ = Fd(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
  if (!mounts_) return;
  mount_table_ = read_mounts(mounts_);
  // A mount is no inotify event; proc(5) reports it as EPOLLPRI.
  mounts_source_ = loop_.on_io(mounts_.get(), EPOLLPRI, [this](uint32_t) { mounts_changed(); });
}

/// Notes what was mounted and unmounted since the last look; mounts_changed() acts on it.
void TreeWatcher::refresh_mounts() {
  local_device_ = 0;  // its number may be given to another file system
  if (!mounts_) watch_mounts();
  if (!mounts_) return;
  // One that is mounted over another, or in its place, has taken that away.
  const Mounts before = std::exchange(mount_table_, read_mounts(mounts_));
  std::vector<Mounts::value_type> removed, added;
  std::ranges::set_difference(before, mount_table_, std::back_inserter(removed));
  std::ranges::set_difference(mount_table_, before, std::back_inserter(added));
  for (const auto& [mount_point, which] : removed) {
    drop_hollow(mount_point);
    if (uncovers_sources(mount_point)) {
      lost_mounts_.erase(mount_point);
      mounts_added_.push_back(mount_point);  // something else is there now
      continue;
    }
    if (!concerns_us(mount_point)) continue;
    lost_mounts_.insert(mount_point);
    mounts_removed_.push_back(mount_point);
  }
  for (const auto& [mount_point, which] : added) {
    note_covered_sources(mount_point);
    // An empty file system has lost what was here as much as none has.
    if ((lost_mounts_.contains(mount_point) || concerns_us(mount_point)) && is_hollow(mount_point))
      lost_mounts_.insert(mount_point);
    else
      lost_mounts_.erase(mount_point);
    mounts_added_.push_back(mount_point);
  }
  for (const std::string& mount_point : filled_mounts()) {
    drop_hollow(mount_point);
    lost_mounts_.erase(mount_point);
    mounts_added_.push_back(mount_point);
  }
}

/// What was a source before is one again when the mount over it ends.
void TreeWatcher::note_covered_sources(const std::string& mount_point) {
  for (const auto& [id, tree] : trees_) {
    if (tree.root == 0) continue;
    const Link& root = map_.link(tree.root_link);
    if (is_at_or_below(root.referent, mount_point))
      covered_sources_[mount_point].emplace(root.referent, root.identity);
  }
}

/// Whether the mount that has ended was over sources, which are all there as they were.
bool TreeWatcher::uncovers_sources(const std::string& mount_point) {
  const auto covered = covered_sources_.extract(mount_point);
  return !covered.empty() && std::ranges::all_of(covered.mapped(), [](const auto& source) {
    const auto& [path, identity] = source;
    return identity_of(path) == identity && !is_empty_directory(path);
  });
}

void TreeWatcher::mounts_changed() {
  refresh_mounts();
  for (const std::string& mount_point : std::exchange(mounts_removed_, {})) unmounted(mount_point);
  for (auto& [id, tree] : trees_) relink_source(id);
  for (const std::string& mount_point : std::exchange(mounts_added_, {})) mounted(mount_point);
  release_unused();
  listener_.mounts_changed();
}

/// The kernel says that the file system of this directory has ended.
void TreeWatcher::file_system_ended(int wd) {
  mounts_changed();
  // Another one is mounted there already: the table of mount points is what it was before.
  for (NodeId dir : map_.dirs_of(wd)) {
    if (!map_.alive(dir) || map_.wd(dir) != wd || map_.is_unreadable(dir)) continue;
    std::string mount_point = mount_point_of(mount_table_, physical_path(dir));
    mount_table_.erase(mount_point);
    lost_mounts_.insert(mount_point);
    mounts_removed_.push_back(mount_point);
    mounts_changed();
  }
}

/// Whether an empty file system is mounted there. If so, it is watched until it is empty no more.
bool TreeWatcher::is_hollow(const std::string& mount_point) {
  Fd fd(::open(mount_point.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  bool unknown = !fd && out_of_descriptors(errno);
  if (unknown || !is_empty_directory(mount_point)) return false;
  int wd = fd ? place_watch(fd, Inotify::Interest::names).wd : -1;
  if (!is_empty_directory(mount_point)) return false;
  hollow_mounts_[mount_point] = wd;
  return true;
}

std::vector<std::string> TreeWatcher::filled_mounts() const {
  std::vector<std::string> filled;
  for (const auto& [mount_point, wd] : hollow_mounts_)
    if (!is_empty_directory(mount_point)) filled.push_back(mount_point);
  return filled;
}

bool TreeWatcher::watches_hollow(int wd) const {
  return std::ranges::any_of(hollow_mounts_,
                             [&](const auto& hollow) { return hollow.second == wd; });
}

void TreeWatcher::drop_hollow(const std::string& mount_point) {
  auto hollow = hollow_mounts_.find(mount_point);
  if (hollow == hollow_mounts_.end()) return;
  if (hollow->second >= 0) unwanted_.push_back(hollow->second);
  hollow_mounts_.erase(hollow);
}

/// What lies at a physical path below what a link (or the source) leads to.
WatchMap::Place TreeWatcher::place_at(LinkId id, const std::string& physical) const {
  const Link& link = map_.link(id);
  if (link.dir == 0 || physical == link.referent || !is_at_or_below(physical, link.referent))
    return {};
  return map_.find(link.dir, relative_to(physical, link.referent));
}

/// The directory there, or 0.
NodeId TreeWatcher::directory_at(LinkId id, const std::string& physical) const {
  return place_at(id, physical).dir;
}

bool TreeWatcher::concerns_us(const std::string& mount_point) const {
  for (const auto& [id, tree] : trees_)
    for (LinkId link : map_.links_in(id))
      if (leads_through(map_.link(link), mount_point) || directory_at(link, mount_point) != 0)
        return true;
  return false;
}

bool TreeWatcher::leads_through(const Link& link, const std::string& mount_point) {
  return is_at_or_below(link.referent, mount_point) ||
         std::ranges::any_of(link.detours, [&](const std::string& directory) {
           return is_at_or_below(directory, mount_point);
         });
}

/// One that holds a source is not among them: without it the source is missing, or another.
std::set<std::string> TreeWatcher::mounts_that_matter() const {
  std::set<std::string> all = lost_mounts_, mattering;
  for (const auto& [mount_point, which] : mount_table_) all.insert(mount_point);
  for (const auto& [id, tree] : trees_) {
    const std::string& source = map_.link(tree.root_link).referent;
    for (LinkId link : map_.links_in(id)) {
      const Link& l = map_.link(link);
      const std::string& referent = l.referent;
      if (referent.empty()) continue;
      const bool is_lost_itself = l.end == LinkEnd::unreadable;
      std::vector<std::string> on_the_way = related(all, referent == "/" ? "" : referent);
      for (const std::string& directory : l.detours)
        std::ranges::move(related(all, directory), std::back_inserter(on_the_way));
      for (const std::string& mount_point : on_the_way) {
        const WatchMap::Place place = place_at(link, mount_point);
        const bool below = place.dir != 0 || place.below_unreadable ||
                           (is_lost_itself && is_at_or_below(mount_point, referent));
        const bool around = leads_through(l, mount_point) && !is_at_or_below(source, mount_point);
        if (below || around) mattering.insert(mount_point);
      }
    }
  }
  return mattering;
}

void TreeWatcher::unmounted(const std::string& mount_point) {
  for (auto& [id, tree] : trees_)
    for (LinkId link : map_.links_in(id)) {
      if (!map_.has_link(link)) continue;  // went with one before it
      const Link& l = map_.link(link);
      if (NodeId dir = directory_at(link, mount_point))
        lose(dir);
      else if (l.parent != 0 && leads_through(l, mount_point))
        lose_link(link);
    }
}

void TreeWatcher::mounted_on(NodeId dir) {
  if (is_lost(physical_path(dir))) return lose(dir);
  std::string name(map_.name(dir));  // the map forgets its own
  appeared(map_.parent(dir), {-1, WatchEvent::Kind::moved_in, true, name});
}

/// A new mount changes directories and links without an event: those are looked at again.
void TreeWatcher::mounted(const std::string& mount_point) {
  for (auto& [id, tree] : trees_)
    for (LinkId link : map_.links_in(id)) {
      if (!map_.has_link(link)) continue;  // went with one before it
      const Link& l = map_.link(link);
      bool leads_there = l.end == LinkEnd::dangling || leads_through(l, mount_point);
      NodeId dir = directory_at(link, mount_point);
      if (l.parent != 0 && leads_there) {
        // One that led nowhere has no copy to lose.
        if (l.end != LinkEnd::dangling) listener_.doubted(id);
        relink(link);
      } else if (dir != 0 && map_.parent(dir) != 0) {
        listener_.doubted(id);
        mounted_on(dir);
      }
    }
}

}  // namespace mirrord
