// TreeWatcher, part three: the crawl. Watch first, list second.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "core/escape.hpp"
#include "io/file_system.hpp"
#include "io/fs_identity.hpp"
#include "io/tree_watcher.hpp"

namespace mirrord {

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
  listener_.progressed();
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
  if (!lost_mounts_.empty() && is_lost(physical_path(task.dir))) return lose(task.dir);
  Fd fd = open_directory(task);
  if (!fd) {
    // Gone or replaced meanwhile: an event tells. Anything else is ours to tell.
    if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP) cannot_read(task, errno);
    return;
  }
  bool was_unreadable = map_.is_unreadable(task.dir);
  if (was_unreadable) map_.set_unreadable(task.dir, false);
  if (!map_.watched(task.dir)) {
    place_dir_watch(task, fd);
    if (!map_.alive(task.dir)) return;  // it was a loop
  }
  Tree& tree = trees_.at(task.tree);
  if (tree.remote.empty())
    if (std::string remote = reports_only_local_changes(fd); !remote.empty())
      tree.remote = remote + " at '" + escape(file_path(task.tree, map_.path(task.dir))) + "'";
  list(task, std::move(fd));
  if (task.live) report(task.dir, "", ChangeKind::tree);
}

Fd TreeWatcher::open_directory(const Task& task) const {
  FsIdentity eyes(trees_.at(task.tree).user);
  std::string path = file_path(task.tree, map_.path(task.dir));
  int nofollow = map_.via(task.dir) != 0 ? 0 : O_NOFOLLOW;
  return Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | nofollow));
}

void TreeWatcher::place_dir_watch(const Task& task, const Fd& fd) {
  auto added = place_watch(fd, Inotify::Interest::contents);
  if (is_loop(task, fd, added.wd)) return leave_out(task, LinkEnd::loop);
  if (added.wd < 0) return cannot_watch(task, added.error);
  map_.set_watch(task.dir, added.wd);
}

Inotify::Added TreeWatcher::place_watch(const Fd& fd, Inotify::Interest interest) {
  auto added = inotify_.add(fd, interest);
  if (added.wd >= 0) placed_.push_back(added.wd);
  return added;
}

bool TreeWatcher::is_loop(const Task& task, const Fd& fd, int wd) const {
  NodeId parent = map_.parent(task.dir);
  if (map_.via(task.dir) == 0 || parent == 0) return false;
  if (wd >= 0 && map_.on_branch(parent, wd)) return true;
  // A directory without a watch has no descriptor to know it by.
  bool all_watched = wd >= 0;
  for (NodeId d = parent; d != 0; d = map_.parent(d)) all_watched &= map_.watched(d);
  struct stat own {
  }, other{};
  if (all_watched || ::fstat(fd.get(), &own) < 0) return false;
  for (NodeId d = parent; d != 0; d = map_.parent(d))
    if (::stat(file_path(task.tree, map_.path(d)).c_str(), &other) == 0 &&
        own.st_dev == other.st_dev && own.st_ino == other.st_ino)
      return true;
  return false;
}

void TreeWatcher::cannot_read(const Task& task, int error) {
  if (task.dir == trees_.at(task.tree).root) return relink_source(task.tree);
  if (map_.is_unreadable(task.dir)) return;  // told already
  map_.remove_children(task.dir);
  map_.set_unreadable(task.dir, true);
  listener_.lost(task.tree);
  listener_.trouble(task.tree, map_.path(task.dir),
                    std::string("cannot be read, it is passed over: ") + std::strerror(error));
}

void TreeWatcher::cannot_watch(const Task& task, int error) {
  Tree& tree = trees_.at(task.tree);
  map_.set_unwatched(task.dir);
  tree.refused = file_path(task.tree, map_.path(task.dir));
  bool limit = error == ENOSPC || error == EMFILE;
  if (limit && tree.limit_error != 0) return;  // told once, not per directory
  if (limit) tree.limit_error = error;
  const char* reason = error == ENOSPC   ? "the limit fs.inotify.max_user_watches is reached"
                       : error == EMFILE ? "the limit fs.inotify.max_user_instances is reached"
                                         : std::strerror(error);
  listener_.trouble(task.tree, map_.path(task.dir), std::string("cannot be watched: ") + reason);
}

void TreeWatcher::list(const Task& task, Fd fd) {
  // fdopendir(3) takes the descriptor over.
  DIR* stream = ::fdopendir(fd.get());
  if (!stream) return;
  (void)fd.release();
  while (const dirent* entry = ::readdir(stream)) {
    std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    unsigned char type = entry->d_type == DT_UNKNOWN ? entry_type(task, name) : entry->d_type;
    if (type == DT_DIR && map_.child(task.dir, name) == 0)
      enqueue(map_.add_dir(task.tree, task.dir, name, -1), task.live);
    if (type == DT_LNK && map_.link_at(task.dir, name) == 0 &&
        follows(task.tree, join(map_.path(task.dir), name)))
      add_link(task.dir, name, task.live);
  }
  ::closedir(stream);
}

unsigned char TreeWatcher::entry_type(const Task& task, const std::string& name) const {
  struct stat st {};
  std::string path = file_path(task.tree, join(map_.path(task.dir), name));
  if (::lstat(path.c_str(), &st) < 0) return DT_UNKNOWN;
  return static_cast<unsigned char>(IFTODT(st.st_mode));
}

}  // namespace mirrord
