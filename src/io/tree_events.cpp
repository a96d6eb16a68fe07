// TreeWatcher, part four: what the kernel reports.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "core/mounts.hpp"
#include "io/file_system.hpp"
#include "io/tree_watcher.hpp"

namespace mirrord {

using Kind = WatchEvent::Kind;

void TreeWatcher::read_events() {
  for (const WatchEvent& event : inotify_.read()) handle(event);
  release_unused();
}

void TreeWatcher::handle(const WatchEvent& event) {
  if (event.kind == Kind::overflow) {
    for (auto& [id, tree] : trees_) {
      listener_.overflowed(id);
      restart(id);
    }
    return;
  }
  if (event.kind == Kind::unmounted) return mounts_changed();  // ignored follows
  if (event.kind == Kind::ignored) return watch_ended(event.wd);
  auto touched = map_.touched(event.wd, event.name);
  for (NodeId dir : touched.dirs)
    if (map_.alive(dir) && map_.wd(dir) == event.wd) handle_entry(dir, event);
  for (LinkId link : touched.links)
    if (map_.has_link(link)) link_event(link, event.kind);
}

void TreeWatcher::handle_entry(NodeId dir, const WatchEvent& event) {
  switch (event.kind) {
    case Kind::created:
    case Kind::moved_in:
      return appeared(dir, event);
    case Kind::deleted:
    case Kind::moved_out:
      forget(dir, event.name);
      return report(dir, event.name, ChangeKind::data);
    case Kind::modified:
      return report_modified(dir, event.name);
    case Kind::written:
      return report(dir, event.name, ChangeKind::data);
    case Kind::attributes: {
      NodeId child = map_.child(dir, event.name);
      // Perhaps it can be read now, or no more.
      if (child != 0) access_changed(child);
      return report(dir, event.name, ChangeKind::attributes);
    }
    case Kind::self_gone:
      // Its parent or the steps of its link tell; unless these were not ours to watch.
      if (LinkId via = map_.via(dir)) relink(via);
      return;
    case Kind::unmounted:
    case Kind::ignored:
    case Kind::overflow:
      return;
  }
}

void TreeWatcher::access_changed(NodeId dir) {
  Task task{map_.tree_of(dir), dir, true};
  if (map_.is_unreadable(dir) || !map_.watched(dir)) return enqueue(dir, true);
  if (!open_directory(task) && errno == EACCES) cannot_read(task, EACCES);
}

void TreeWatcher::appeared(NodeId dir, const WatchEvent& event) {
  TreeId tree = map_.tree_of(dir);
  forget(dir, event.name);
  struct stat st {};
  std::string path = join(map_.path(dir), event.name);
  if (::lstat(file_path(tree, path).c_str(), &st) < 0) {
    report(dir, event.name, ChangeKind::data);
  } else if (S_ISDIR(st.st_mode)) {
    enqueue(map_.add_dir(tree, dir, event.name, -1), true);
    report(dir, event.name, ChangeKind::tree);
  } else if (S_ISLNK(st.st_mode) && follows(tree, path)) {
    add_link(dir, event.name, true);
    bool to_directory = map_.child(dir, event.name) != 0;
    report(dir, event.name, to_directory ? ChangeKind::tree : ChangeKind::data);
  } else if (event.kind == Kind::created && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
             trees_.at(tree).rules.sync_on == SyncOn::close) {
    listener_.written(tree, path, true);
  } else {
    report(dir, event.name, ChangeKind::data);
  }
}

void TreeWatcher::forget(NodeId dir, const std::string& name) {
  if (LinkId link = map_.link_at(dir, name))
    map_.remove_link(link);
  else if (NodeId child = map_.child(dir, name))
    map_.remove_dir(child);
}

// ---- mounts

void TreeWatcher::watch_ended(int wd) {
  std::vector<NodeId> dirs = map_.dirs_of(wd);
  std::vector<LinkId> links = map_.links_through(wd);
  map_.forget_watch(wd);
  for (NodeId dir : dirs)
    // A source made again may have the inode of the one that has gone.
    if (map_.alive(dir) && map_.parent(dir) == 0) restart(map_.tree_of(dir));
  for (LinkId link : links)
    if (map_.has_link(link)) relink(link);
}

/// The directory's file system was unmounted: nothing is known of what it held, so nothing of it
/// is deleted, until something is mounted there again.
void TreeWatcher::lose(NodeId dir) {
  TreeId tree = map_.tree_of(dir);
  if (map_.parent(dir) == 0) return relink_source(tree);
  if (map_.is_unreadable(dir)) return;
  map_.remove_children(dir);
  map_.set_unreadable(dir, true);
  listener_.lost(tree);
  listener_.trouble(tree, map_.path(dir),
                    "its file system was unmounted; its copies stay as they are");
}

void TreeWatcher::lose_link(LinkId id) {
  Link link = map_.link(id);
  if (link.dir != 0) return lose(link.dir);
  if (link.end == LinkEnd::unreadable) return;
  map_.remove_link(id);
  link.end = LinkEnd::unreadable;
  const Link& lost = map_.link(map_.add_link(std::move(link)));
  listener_.lost(lost.tree);
  listener_.trouble(lost.tree, map_.path(lost),
                    "the file system that it leads to was unmounted; its copies stay as they are");
}

bool TreeWatcher::is_lost(const std::string& physical) const {
  return std::ranges::any_of(lost_mounts_, [&](const std::string& mount_point) {
    return is_at_or_below(physical, mount_point);
  });
}

/// Notes what was mounted and unmounted since the last look; mounts_changed() acts on it.
void TreeWatcher::refresh_mounts() {
  std::set<std::string> before = std::exchange(mount_points_, read_mount_points());
  std::ranges::set_difference(mount_points_, before, std::back_inserter(mounts_added_));
  std::vector<std::string> removed;
  std::ranges::set_difference(before, mount_points_, std::back_inserter(removed));
  for (const std::string& mount_point : removed)
    if (concerns_us(mount_point)) {
      lost_mounts_.insert(mount_point);
      mounts_removed_.push_back(mount_point);
    }
  for (const std::string& mount_point : mount_points_) lost_mounts_.erase(mount_point);
}

void TreeWatcher::mounts_changed() {
  refresh_mounts();
  for (const std::string& mount_point : std::exchange(mounts_removed_, {})) unmounted(mount_point);
  for (auto& [id, tree] : trees_) relink_source(id);
  for (const std::string& mount_point : std::exchange(mounts_added_, {})) mounted(mount_point);
  release_unused();
}

/// The directory that lies at a physical path below what a link (or the source) leads to, or 0.
NodeId TreeWatcher::directory_at(LinkId id, const std::string& physical) const {
  const Link& link = map_.link(id);
  if (link.dir == 0 || physical == link.referent || !is_at_or_below(physical, link.referent))
    return 0;
  size_t prefix = link.referent == "/" ? 1 : link.referent.size() + 1;
  return map_.find(link.dir, physical.substr(prefix)).dir;
}

bool TreeWatcher::concerns_us(const std::string& mount_point) const {
  for (const auto& [id, tree] : trees_)
    for (LinkId link : map_.links_in(id))
      if (is_at_or_below(map_.link(link).referent, mount_point) ||
          directory_at(link, mount_point) != 0)
        return true;
  return false;
}

void TreeWatcher::unmounted(const std::string& mount_point) {
  for (auto& [id, tree] : trees_)
    for (LinkId link : map_.links_in(id)) {
      if (!map_.has_link(link)) continue;  // went with one before it
      const Link& l = map_.link(link);
      if (NodeId dir = directory_at(link, mount_point))
        lose(dir);
      else if (l.parent != 0 && is_at_or_below(l.referent, mount_point))
        lose_link(link);
    }
}

void TreeWatcher::mounted_on(NodeId dir) {
  NodeId parent = map_.parent(dir);
  std::string name(map_.name(dir));
  if (!is_empty_directory(file_path(map_.tree_of(dir), map_.path(dir))))
    return appeared(parent, {-1, Kind::moved_in, true, name});
  // What an empty file system does not have was not seen to be deleted: only watched from now on.
  TreeId tree = map_.tree_of(dir);
  forget(parent, name);
  enqueue(map_.add_dir(tree, parent, name, -1), false);
}

/// A new mount changes directories and links without an event: those are looked at again.
void TreeWatcher::mounted(const std::string& mount_point) {
  for (auto& [id, tree] : trees_)
    for (LinkId link : map_.links_in(id)) {
      if (!map_.has_link(link)) continue;  // went with one before it
      const Link& l = map_.link(link);
      bool leads_there = l.end == LinkEnd::dangling || is_at_or_below(l.referent, mount_point);
      if (l.parent != 0 && leads_there) {
        relink(link);
      } else if (NodeId dir = directory_at(link, mount_point); dir != 0 && map_.parent(dir) != 0) {
        mounted_on(dir);
      }
    }
}

void TreeWatcher::release_unused() {
  // Each removal queues an event: all at once they would overflow the queue.
  constexpr size_t kRemovalsPerTurn = 2048;
  for (const std::vector<int>& wds : {map_.take_unused(), std::exchange(placed_, {})})
    unwanted_.insert(unwanted_.end(), wds.begin(), wds.end());
  for (size_t i = 0; i < kRemovalsPerTurn && !unwanted_.empty(); ++i) {
    if (!map_.uses(unwanted_.back())) inotify_.remove(unwanted_.back());
    unwanted_.pop_back();
  }
  if (unwanted_.empty())
    release_source_.reset();
  else if (!release_source_)
    release_source_ = loop_.each_turn([this] { release_unused(); });
}

void TreeWatcher::report_modified(NodeId dir, const std::string& name) {
  TreeId tree = map_.tree_of(dir);
  if (trees_.at(tree).rules.sync_on == SyncOn::modify) return report(dir, name, ChangeKind::data);
  listener_.written(tree, join(map_.path(dir), name), false);
}

void TreeWatcher::report(NodeId dir, std::string_view name, ChangeKind kind) {
  listener_.changed(map_.tree_of(dir), {join(map_.path(dir), std::string(name)), kind});
}

}  // namespace mirrord
