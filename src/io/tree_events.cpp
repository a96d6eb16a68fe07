// TreeWatcher: what the kernel reports.
#include <dirent.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include <cassert>
#include <cerrno>
#include <utility>

#include "core/path.hpp"
#include "io/directory_reader.hpp"
#include "io/tree_watcher.hpp"

namespace mirrord {

using Kind = WatchEvent::Kind;

namespace {

/// As readdir(3) has it.
unsigned char type_of(mode_t mode) { return static_cast<unsigned char>(IFTODT(mode)); }

bool comes_or_goes(Kind kind) {
  return kind == Kind::created || kind == Kind::moved_in || kind == Kind::deleted ||
         kind == Kind::moved_out;
}

}  // namespace

void TreeWatcher::listen() {
  reads_ = 0;
  events_source_ = loop_.on_io(inotify_.fd(), EPOLLIN, [this](uint32_t) { read_events(); });
}

/// At once, as long as events are few. In a burst each of them would wake us by itself; then the
/// kernel gathers them for a moment, which costs less and delays no more than the transfer that
/// the first of them has started.
void TreeWatcher::read_events() {
  constexpr size_t kWorthAnotherRest = 4;
  bool rested = !events_source_;
  size_t events = handle_batch();
  if (rested ? events >= kWorthAnotherRest : reads_too_often())
    rest();
  else if (rested)
    listen();
}

bool TreeWatcher::reads_too_often() {
  constexpr auto kWindow = std::chrono::milliseconds(50);
  constexpr int kReads = 25;
  if (loop_.now() - reads_since_ > kWindow) {
    reads_since_ = loop_.now();
    reads_ = 0;
  }
  return ++reads_ > kReads;
}

void TreeWatcher::rest() {
  constexpr auto kRest = std::chrono::milliseconds(5);
  events_source_.reset();
  loop_.arm(rest_timer_, loop_.now() + kRest);
}

bool TreeWatcher::drain() {
  // Not until there is none: while somebody writes without an end, there is always more.
  const uint64_t begin = inotify_.consumed(), end = begin + inotify_.unread();
  while (inotify_.consumed() < end && handle_batch() != 0) continue;
  return inotify_.consumed() != begin;
}

/// How many events were queued.
size_t TreeWatcher::handle_batch() {
  assert(read_.empty());  // an event of a directory that is not in the map yet would be lost
  std::vector<WatchEvent> events = inotify_.read();
  size_t queued = events.size();
  drop_repeated(events, [this](const WatchEvent& event) {
    return map_.has_pins(event.wd) || (event.kind == Kind::created && is_excluded_somewhere(event));
  });
  for (const WatchEvent& event : events) handle(event);
  relink_touched();
  release_unused();
  return queued;
}

void TreeWatcher::handle(const WatchEvent& event) {
  if (event.kind == Kind::overflow) {
    for (auto& [id, tree] : trees_) {
      listener_.overflowed(id);
      restart(id);
    }
    return;
  }
  if (event.kind == Kind::unmounted) return file_system_ended(event.wd);  // ignored follows
  if (event.kind == Kind::ignored) return watch_ended(event.wd);
  auto touched = map_.touched(event.wd, event.name);
  for (NodeId dir : touched.dirs)
    if (map_.alive(dir) && map_.wd(dir) == event.wd) handle_entry(dir, event);
  for (LinkId link : touched.links)
    if (map_.has_link(link)) link_event(link, event);
  if (watches_hollow(event.wd)) mounts_changed();
}

void TreeWatcher::handle_entry(NodeId dir, const WatchEvent& event) {
  // What is not mirrored comes and goes, and the time of its directory, which is, changes.
  if (comes_or_goes(event.kind) && excludes_whatever_it_is(dir, event.name))
    return report(dir, "", ChangeKind::attributes);
  switch (event.kind) {
    case Kind::created:
    case Kind::moved_in:
    case Kind::moved_out:  // of an exchange, the other one came first: look what is there
      return appeared(dir, event);
    case Kind::deleted:
      forget(dir, event.name);
      return report(dir, event.name, ChangeKind::data);
    case Kind::modified:
      return report_modified(dir, event.name);
    case Kind::written:
      if (is_left_out_file(dir, event.name)) return;
      return report(dir, event.name, ChangeKind::data);
    case Kind::attributes: {
      if (!event.directory && is_left_out_file(dir, event.name)) return;
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
  if (error_of(request_for(task)) == EACCES) cannot_read(task, EACCES);
}

void TreeWatcher::appeared(NodeId dir, const WatchEvent& event) {
  TreeId tree = map_.tree_of(dir);
  // A new directory is not the mount point that had its name.
  if (!lost_mounts_.empty() && event.kind == Kind::created)
    lost_mounts_.erase(physical_entry(dir, event.name));
  bool had_directory_behind = has_directory_behind(dir, event.name);
  forget(dir, event.name);
  struct stat st {};
  std::string path = join(map_.path(dir), event.name);
  if (::lstat(file_path(tree, path).c_str(), &st) < 0) {
    report(dir, event.name, ChangeKind::data);
  } else if (excludes_found(dir, event.name, type_of(st.st_mode))) {
    report(dir, event.name, ChangeKind::data);  // in place of something that was mirrored?
  } else if (S_ISDIR(st.st_mode)) {
    enqueue(map_.add_dir(tree, dir, event.name, -1), true);
    report(dir, event.name, ChangeKind::tree);
  } else if (S_ISLNK(st.st_mode) && follows(tree, path)) {
    add_link(dir, event.name, true);
    report_link(dir, event.name, had_directory_behind);
  } else if (event.kind == Kind::created && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
             trees_.at(tree).rules.sync_on == SyncOn::close) {
    listener_.written(tree, path, true);
  } else {
    report(dir, event.name, ChangeKind::data);
  }
}

void TreeWatcher::forget(NodeId dir, std::string_view name) {
  if (!lost_mounts_.empty()) drop_gone_mounts(physical_entry(dir, name));
  if (LinkId link = map_.link_at(dir, name))
    map_.remove_link(link);
  else if (NodeId child = map_.child(dir, name))
    map_.remove_dir(child);
}

void TreeWatcher::watch_ended(int wd) {
  std::vector<NodeId> dirs = map_.dirs_of(wd);
  std::vector<LinkId> links = map_.links_through(wd);
  map_.forget_watch(wd);
  for (NodeId dir : dirs)
    // A source made again may have the inode of the one that has gone.
    if (map_.alive(dir) && map_.parent(dir) == 0) restart(map_.tree_of(dir));
  for (LinkId link : links) touched_links_[link] = ChangeKind::data;
}

void TreeWatcher::release_unused() {
  // Each removal queues an event: all at once they would overflow the queue.
  constexpr size_t kRemovalsPerTurn = 2048;
  if (!read_.empty()) return;  // the watches of these may yet be of use; the crawl will call
  for (const std::vector<int>& wds : {map_.take_unused(), std::exchange(placed_, {})})
    unwanted_.insert(unwanted_.end(), wds.begin(), wds.end());
  for (size_t i = 0; i < kRemovalsPerTurn && !unwanted_.empty(); ++i) {
    int wd = unwanted_.back();
    if (!map_.uses(wd) && !watches_hollow(wd)) inotify_.remove(wd);
    unwanted_.pop_back();
  }
  if (unwanted_.empty())
    release_source_.reset();
  else if (!release_source_)
    release_source_ = loop_.each_turn([this] { release_unused(); });
}

void TreeWatcher::report_modified(NodeId dir, std::string_view name) {
  TreeId tree = map_.tree_of(dir);
  if (trees_.at(tree).rules.sync_on == SyncOn::modify) return report(dir, name, ChangeKind::data);
  if (!excludes(dir, name, false)) listener_.written(tree, join(map_.path(dir), name), false);
}

void TreeWatcher::report(NodeId dir, std::string_view name, ChangeKind kind) {
  if (!name.empty() && excludes_whatever_it_is(dir, name)) return;
  listener_.changed(map_.tree_of(dir), {join(map_.path(dir), name), kind});
}

}  // namespace mirrord
