#include "io/tree_watcher.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace mirrord {

using Kind = WatchEvent::Kind;

namespace {

LinkEnd link_end(Resolution::End end) {
  switch (end) {
    case Resolution::End::missing: return LinkEnd::dangling;
    case Resolution::End::file: return LinkEnd::file;
    case Resolution::End::directory: return LinkEnd::directory;
    case Resolution::End::denied: return LinkEnd::denied;
  }
  return LinkEnd::denied;
}

Link make_link(TreeId tree, NodeId parent, const std::string& name, const Resolution& resolution,
               std::vector<Pin> pins) {
  Link link;
  link.tree = tree;
  link.parent = parent;
  link.name = name;
  link.end = link_end(resolution.end);
  link.referent = resolution.path;
  link.identity = resolution.identity;
  link.pins = std::move(pins);
  return link;
}

bool readable(const std::string& directory) {
  return static_cast<bool>(Fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
}

}  // namespace

TreeWatcher::TreeWatcher(Loop& loop, Listener listener)
    : loop_(loop), listener_(std::move(listener)) {
  events_source_ = loop_.on_io(inotify_.fd(), EPOLLIN, [this](uint32_t) { read_events(); });
  // A mount over a source is no inotify event; proc(5) reports it as EPOLLPRI.
  mounts_ = Fd(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
  if (mounts_)
    mounts_source_ = loop_.on_io(mounts_.get(), EPOLLPRI, [this](uint32_t) { recheck_sources(); });
}

TreeId TreeWatcher::add(TreeRules rules) {
  TreeId id = ++last_tree_;
  trees_[id].rules = std::move(rules);
  place_root(id);
  return id;
}

void TreeWatcher::remove(TreeId tree) {
  drop_root(tree);
  trees_.erase(tree);
  release_unused();
}

void TreeWatcher::restart(TreeId tree) {
  drop_root(tree);
  place_root(tree);
  release_unused();
}

std::string TreeWatcher::resolved_source(TreeId tree) const {
  return map_.link(trees_.at(tree).root_link).referent;
}

std::string TreeWatcher::file_path(TreeId tree, const std::string& path) const {
  const std::string& source = trees_.at(tree).rules.source;
  return source == "/" ? source + path : join(source, path);
}

bool TreeWatcher::follows(TreeId tree) const {
  return trees_.at(tree).rules.symlinks != Symlinks::preserve;
}

bool TreeWatcher::reports_modify(TreeId tree) const {
  return trees_.at(tree).rules.sync_on == SyncOn::modify;
}

// ---- the source's own path

void TreeWatcher::place_root(TreeId id) {
  Tree& tree = trees_.at(id);
  tree.at_watch_limit = false;
  auto [resolution, pins] = resolve_and_pin(id, "/", tree.rules.source, 0);
  Link link = make_link(id, 0, "", resolution, std::move(pins));
  if (link.end == LinkEnd::directory && !readable(link.referent)) link.end = LinkEnd::denied;
  bool there = link.end == LinkEnd::directory;
  tree.root_link = map_.add_link(std::move(link));
  if (!there) return set_state(id, TreeState::missing);
  tree.state = TreeState::crawling;
  enqueue(map_.add_dir(id, 0, "", -1, tree.root_link), false);
  listener_.state_changed(id);
}

void TreeWatcher::drop_root(TreeId id) { map_.remove_link(trees_.at(id).root_link); }

void TreeWatcher::set_state(TreeId id, TreeState state) {
  trees_.at(id).state = state;
  listener_.state_changed(id);
}

bool TreeWatcher::stands(TreeId id) {
  struct stat st {};
  const Link& root = map_.link(trees_.at(id).root_link);
  bool there = ::stat(trees_.at(id).rules.source.c_str(), &st) == 0;
  if (there && root.identity == Identity{st.st_dev, st.st_ino}) return true;
  relink_source(id);
  release_unused();
  return false;
}

void TreeWatcher::recheck_sources() {
  for (auto& [id, tree] : trees_) relink_source(id);
  release_unused();
}

void TreeWatcher::relink_source(TreeId id) {
  const Link& root = map_.link(trees_.at(id).root_link);
  Resolution now = resolve("/", trees_.at(id).rules.source);
  bool same = link_end(now.end) == root.end && now.path == root.referent &&
              now.identity == root.identity;
  if (same && root.end == LinkEnd::directory) return;
  // Also when it is missing as before: it may be missing at a later step, with other pins.
  drop_root(id);
  place_root(id);
}

TreeWatcher::Resolved TreeWatcher::resolve_and_pin(TreeId tree, const std::string& base,
                                                   const std::string& path, size_t skip_steps) {
  // Watch first, look second: a step that changes in between shows as another resolution.
  constexpr int kAttempts = 5;
  Resolved result{resolve(base, path), {}};
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    result.pins.clear();
    for (size_t i = skip_steps; i < result.resolution.steps.size(); ++i) {
      const Resolution::Step& step = result.resolution.steps[i];
      Fd fd(::open(step.directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!fd) continue;  // not ours to read: its changes go unseen, as mirrord(8) says
      auto added = place_watch(tree, fd);
      if (added.wd >= 0) result.pins.push_back({added.wd, step.name});
    }
    Resolution again = resolve(base, path);
    if (again == result.resolution) break;
    result.resolution = std::move(again);
  }
  return result;
}

std::string TreeWatcher::physical_path(NodeId dir) const {
  if (LinkId via = map_.via(dir)) return map_.link(via).referent;
  std::string parent = physical_path(map_.parent(dir));
  if (parent != "/") parent += '/';
  return parent.append(map_.name(dir));
}

// ---- the crawl

void TreeWatcher::enqueue(NodeId dir, bool live) {
  TreeId tree = map_.tree_of(dir);
  tasks_.push_back({tree, dir, live});
  ++trees_.at(tree).to_crawl;
  if (!crawl_source_) crawl_source_ = loop_.each_turn([this] { crawl_some(); });
}

void TreeWatcher::crawl_some() {
  constexpr int kDirectoriesPerTurn = 256;
  for (int i = 0; i < kDirectoriesPerTurn && !tasks_.empty(); ++i) {
    Task task = tasks_.back();
    tasks_.pop_back();
    crawl(task);
  }
  release_unused();
  if (tasks_.empty()) crawl_source_.reset();
}

void TreeWatcher::crawl(const Task& task) {
  auto tree = trees_.find(task.tree);
  if (tree == trees_.end()) return;
  if (map_.alive(task.dir) && map_.tree_of(task.dir) == task.tree) enter(task);
  if (--tree->second.to_crawl == 0 && tree->second.state == TreeState::crawling)
    set_state(task.tree, TreeState::watching);
}

void TreeWatcher::enter(const Task& task) {
  std::string path = file_path(task.tree, map_.path(task.dir));
  int nofollow = map_.via(task.dir) != 0 ? 0 : O_NOFOLLOW;
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | nofollow));
  if (!fd) {
    // Gone or replaced meanwhile: an event tells. Anything else is ours to tell.
    if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP) not_watched(task, errno);
    return;
  }
  if (!map_.watched(task.dir)) {
    auto added = place_watch(task.tree, fd);
    if (added.wd >= 0 && is_loop(task.dir, added.wd)) return make_loop(task);
    if (added.wd >= 0) map_.set_watch(task.dir, added.wd);
    else not_watched(task, added.error);
  }
  list(task, std::move(fd));
  if (task.live) report(task.dir, "", ChangeKind::tree);
}

Inotify::Added TreeWatcher::place_watch(TreeId tree, const Fd& fd) {
  auto added = inotify_.add(fd, reports_modify(tree));
  if (added.wd >= 0) placed_.push_back(added.wd);
  return added;
}

bool TreeWatcher::is_loop(NodeId dir, int wd) const {
  return map_.via(dir) != 0 && map_.parent(dir) != 0 && map_.on_branch(map_.parent(dir), wd);
}

void TreeWatcher::make_loop(const Task& task) {
  Link link = map_.link(map_.via(task.dir));
  map_.remove_dir(task.dir);
  link.end = LinkEnd::loop;
  link.dir = 0;
  const Link& loop = map_.link(map_.add_link(std::move(link)));
  listener_.trouble(task.tree, map_.path(loop), "the link leads back to a directory above it");
  // Only a comparison of its directory deletes an earlier copy.
  if (task.live) report(loop.parent, "", ChangeKind::tree);
}

void TreeWatcher::not_watched(const Task& task, int error) {
  map_.set_unwatched(task.dir);
  std::string path = map_.path(task.dir);
  bool& at_limit = trees_.at(task.tree).at_watch_limit;
  if (error == ENOSPC && at_limit) return;  // told once, not per directory
  if (error == ENOSPC) at_limit = true;
  listener_.trouble(task.tree, path,
                    error == ENOSPC ? "the watch limit is reached (fs.inotify.max_user_watches)"
                                    : std::string("cannot be read: ") + std::strerror(error));
}

void TreeWatcher::list(const Task& task, Fd fd) {
  // fdopendir(3) takes the descriptor over.
  DIR* stream = ::fdopendir(fd.get());
  if (!stream) return;
  (void)fd.release();
  while (const dirent* entry = ::readdir(stream)) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") found(task, name, entry->d_type);
  }
  ::closedir(stream);
}

void TreeWatcher::found(const Task& task, const std::string& name, unsigned char type) {
  if (type == DT_UNKNOWN) {
    struct stat st {};
    std::string path = file_path(task.tree, join(map_.path(task.dir), name));
    if (::lstat(path.c_str(), &st) == 0) type = IFTODT(st.st_mode);
  }
  if (type == DT_DIR) {
    if (map_.child(task.dir, name) == 0)
      enqueue(map_.add_dir(task.tree, task.dir, name, -1), task.live);
  } else if (type == DT_LNK && follows(task.tree)) {
    if (map_.link_at(task.dir, name) == 0) add_link(task.dir, name, task.live);
  }
}

NodeId TreeWatcher::add_link(NodeId parent, const std::string& name, bool live) {
  TreeId tree = map_.tree_of(parent);
  // The first step is the link itself: an event of its own directory.
  auto [resolution, pins] = resolve_and_pin(tree, physical_path(parent), name, 1);
  Link link = make_link(tree, parent, name, resolution, std::move(pins));
  LinkEnd end = link.end;
  LinkId id = map_.add_link(std::move(link));
  if (end == LinkEnd::denied)
    listener_.trouble(tree, map_.path(map_.link(id)), "the link leads where we may not look");
  if (end != LinkEnd::directory) return 0;
  NodeId dir = map_.add_dir(tree, parent, name, -1, id);
  enqueue(dir, live);
  return dir;
}

// ---- events

void TreeWatcher::read_events() {
  for (const WatchEvent& event : inotify_.read()) handle(event);
  release_unused();
}

void TreeWatcher::handle(const WatchEvent& event) {
  if (event.kind == Kind::overflow) {
    listener_.overflowed();
    for (auto& [id, tree] : trees_) restart(id);
    return;
  }
  if (event.kind == Kind::ignored) return watch_ended(event.wd);
  if (event.kind == Kind::unmounted) return;  // ignored follows
  auto touched = map_.touched(event.wd, event.name);
  for (NodeId dir : touched.dirs)
    if (map_.alive(dir) && map_.wd(dir) == event.wd) handle_entry(dir, event);
  for (LinkId link : touched.links)
    if (map_.has_link(link)) relink(link);
}

void TreeWatcher::handle_entry(NodeId dir, const WatchEvent& event) {
  switch (event.kind) {
    case Kind::created:
    case Kind::moved_in: return appeared(dir, event);
    case Kind::deleted:
    case Kind::moved_out:
      forget(dir, event.name);
      return report(dir, event.name, ChangeKind::data);
    case Kind::modified:
      if (!reports_modify(map_.tree_of(dir))) return;
      [[fallthrough]];
    case Kind::written: return report(dir, event.name, ChangeKind::data);
    case Kind::attributes: {
      NodeId child = map_.child(dir, event.name);
      if (child != 0 && !map_.watched(child)) enqueue(child, true);  // readable now, perhaps
      return report(dir, event.name, ChangeKind::attributes);
    }
    case Kind::self_gone:
      // Its parent or the steps of its link tell; unless these were not ours to watch.
      if (LinkId via = map_.via(dir)) relink(via);
      return;
    case Kind::unmounted:
    case Kind::ignored:
    case Kind::overflow: return;
  }
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
  } else if (S_ISLNK(st.st_mode) && follows(tree)) {
    bool to_directory = add_link(dir, event.name, true) != 0;
    report(dir, event.name, to_directory ? ChangeKind::tree : ChangeKind::data);
  } else if (event.kind == Kind::created && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
             !reports_modify(tree)) {
    listener_.created(tree, path);
  } else {
    report(dir, event.name, ChangeKind::data);
  }
}

void TreeWatcher::forget(NodeId dir, const std::string& name) {
  if (LinkId link = map_.link_at(dir, name)) map_.remove_link(link);
  else if (NodeId child = map_.child(dir, name)) map_.remove_dir(child);
}

void TreeWatcher::relink(LinkId id) {
  const Link& link = map_.link(id);
  if (link.parent == 0) return relink_source(link.tree);
  NodeId parent = link.parent;
  std::string name = link.name;
  Resolution now = resolve(physical_path(parent), name);
  bool same = link_end(now.end) == (link.end == LinkEnd::loop ? LinkEnd::directory : link.end) &&
              now.path == link.referent && now.identity == link.identity;
  if (same && now.end == Resolution::End::file) return report(parent, name, ChangeKind::data);
  if (same && now.end == Resolution::End::directory) return;
  forget(parent, name);
  bool to_directory = add_link(parent, name, true) != 0;
  report(parent, name, to_directory ? ChangeKind::tree : ChangeKind::data);
}

void TreeWatcher::watch_ended(int wd) {
  std::vector<NodeId> dirs = map_.dirs_of(wd);
  std::vector<LinkId> links = map_.links_through(wd);
  map_.forget_watch(wd);
  for (LinkId link : links)
    if (map_.has_link(link)) relink(link);
  for (NodeId dir : dirs) {
    if (!map_.alive(dir) || map_.watched(dir)) continue;
    // Still there: its file system was unmounted. What the mount point now shows is watched but
    // not reported, so nothing is deleted on a target because of it.
    if (map_.via(dir) == 0) enqueue(dir, false);
  }
}

void TreeWatcher::release_unused() {
  for (int wd : map_.take_unused()) inotify_.remove(wd);
  for (int wd : std::exchange(placed_, {}))
    if (!map_.uses(wd)) inotify_.remove(wd);
}

void TreeWatcher::report(NodeId dir, const std::string& name, ChangeKind kind) {
  listener_.changed(map_.tree_of(dir), {join(map_.path(dir), name), kind});
}

}  // namespace mirrord
