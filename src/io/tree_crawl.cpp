// TreeWatcher: the crawl. Watch first, list second.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "core/escape.hpp"
#include "core/path.hpp"
#include "io/file_system.hpp"
#include "io/fs_identity.hpp"
#include "io/tree_watcher.hpp"

namespace mirrord {

namespace {

template <class T>
T pop(std::vector<T>& stack) {
  T top = std::move(stack.back());
  stack.pop_back();
  return top;
}

}  // namespace

void TreeWatcher::retry_unreadable(TreeId tree) {
  for (NodeId dir : map_.unreadable_dirs(tree)) enqueue(dir, true);
}

void TreeWatcher::enqueue(NodeId dir, bool live) {
  TreeId tree = map_.tree_of(dir);
  tasks_.push_back({tree, dir, live});
  ++trees_.at(tree).to_crawl;
  crawl();
}

void TreeWatcher::crawl() {
  if (!crawl_source_) crawl_source_ = loop_.each_turn([this] { crawl_some(); });
}

void TreeWatcher::crawl_some() {
  constexpr int kStepsPerTurn = 256;
  constexpr auto kTurn = std::chrono::milliseconds(5);  // of a file system that answers slowly
  starved_ = false;
  auto rests = [this] { return starved_ || (tasks_.empty() && found_links_.empty()); };
  const auto end = std::chrono::steady_clock::now() + kTurn;
  for (int i = 0;
       i < kStepsPerTurn && !rests() && (i == 0 || std::chrono::steady_clock::now() < end); ++i)
    crawl_one();
  release_unused();
  listener_.progressed();
  if (rests()) crawl_source_.reset();
}

/// A directory, or a link that was found in one: resolving it costs as much.
void TreeWatcher::crawl_one() {
  ++crawl_steps_;
  bool is_link = !found_links_.empty();
  TreeId id = is_link ? found_links_.back().tree : tasks_.back().tree;
  // Before the step: it may find that the source is another one, which begins to count anew.
  --trees_.at(id).to_crawl;
  if (is_link)
    take_up(pop(found_links_));
  else
    enter(pop(tasks_));
  const Tree& tree = trees_.at(id);
  if (tree.to_crawl == 0 && tree.state == TreeState::crawling) set_state(id, TreeState::watching);
}

bool TreeWatcher::is_current(TreeId tree, NodeId dir) const {
  return map_.alive(dir) && map_.tree_of(dir) == tree;
}

void TreeWatcher::enter(const Task& task) {
  if (!is_current(task.tree, task.dir)) return;
  if (!lost_mounts_.empty() && is_lost(physical_path(task.dir))) return lose(task.dir);
  Opened opened = open_directory(task);
  Fd& fd = opened.fd;
  if (!fd) {
    const int error = opened.error;
    if (out_of_descriptors(error)) return wait_for_descriptor(task, error);
    // Gone or replaced meanwhile: an event tells. Anything else is ours to tell.
    if (error != ENOENT && error != ENOTDIR && error != ELOOP) cannot_read(task, error);
    return;
  }
  bool was_unreadable = map_.is_unreadable(task.dir);
  if (was_unreadable) map_.set_unreadable(task.dir, false);
  if (!map_.watched(task.dir)) {
    place_dir_watch(task, fd);
    if (!map_.alive(task.dir)) return;  // it was a loop
  }
  look_for_remote(task, opened);
  list(task, std::move(fd));
  if (!task.live) return;
  if (was_unreadable && is_empty_directory(physical_path(task.dir))) listener_.doubted(task.tree);
  report(task.dir, "", ChangeKind::tree);
}

/// The crawl stands until there is one: nothing is known of the directory before.
void TreeWatcher::wait_for_descriptor(const Task& task, int error) {
  constexpr auto kWait = std::chrono::seconds(1);
  tasks_.push_back(task);
  ++trees_.at(task.tree).to_crawl;
  starved_ = true;
  loop_.arm(starved_timer_, loop_.now() + kWait);
  listener_.trouble(task.tree, {map_.path(task.dir),
                                std::string("waits to be watched: ") + std::strerror(error)});
}

TreeWatcher::Opened TreeWatcher::open_directory(const Task& task) const {
  FsIdentity eyes(trees_.at(task.tree).rules.user);
  std::string path = file_path(task.tree, map_.path(task.dir));
  int nofollow = map_.via(task.dir) != 0 ? 0 : O_NOFOLLOW;
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | nofollow));
  // One that can be listed and not searched shows rsync nothing but errors.
  struct stat st {};
  if (!fd || ::fstatat(fd.get(), ".", &st, 0) < 0) return {{}, 0, errno};
  return {std::move(fd), st.st_dev, 0};
}

void TreeWatcher::look_for_remote(const Task& task, const Opened& directory) {
  Tree& tree = trees_.at(task.tree);
  if (!tree.remote.empty() || local_device_ == directory.device) return;
  if (std::string remote = reports_only_local_changes(directory.fd); !remote.empty())
    tree.remote = remote + " at '" + escape(file_path(task.tree, map_.path(task.dir))) + "'";
  else
    local_device_ = directory.device;
}

void TreeWatcher::place_dir_watch(const Task& task, const Fd& fd) {
  auto added = place_watch(fd, Inotify::Interest::contents);
  if (is_loop(task, fd, added.wd)) return leave_out(task, LinkEnd::loop);
  if (added.wd < 0) return cannot_watch(task, added.error);
  map_.set_watch(task.dir, added.wd);
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
  // Of a new one there is no copy, and rsync deletes nothing after what it cannot list.
  const bool is_new = task.live && !map_.watched(task.dir);
  const bool was_unreadable = trees_.at(task.tree).was_unreadable.erase(map_.path(task.dir)) != 0;
  if (!is_new && !was_unreadable) listener_.lost(task.tree);
  listener_.trouble(task.tree,
                    {map_.path(task.dir),
                     std::string("cannot be read, it is passed over: ") + std::strerror(error)});
}

void TreeWatcher::cannot_watch(const Task& task, int error) {
  Tree& tree = trees_.at(task.tree);
  map_.set_unwatched(task.dir);
  bool limit = error == ENOSPC || error == EMFILE;
  if (limit && tree.limit_error != 0) return;  // told once, not per directory
  std::string reason = std::strerror(error);
  if (limit) {
    InotifyLimit reached = limit_behind(error);
    tree.limit_error = error;
    tree.limit = reached.value;
    reason = "the limit " + reached.name + " is reached";
  }
  listener_.trouble(task.tree, {map_.path(task.dir), "cannot be watched: " + reason, limit});
}

void TreeWatcher::list(const Task& task, Fd fd) {
  // fdopendir(3) takes the descriptor over.
  DIR* stream = ::fdopendir(fd.get());
  if (!stream) return;
  (void)fd.release();
  while (const dirent* entry = ::readdir(stream)) {
    std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    ++trees_.at(task.tree).entries;
    unsigned char type = entry->d_type == DT_UNKNOWN ? entry_type(task, name) : entry->d_type;
    if ((type != DT_DIR && type != DT_LNK) || excludes_found(task.dir, name, type)) continue;
    if (type == DT_DIR && map_.child(task.dir, name) == 0)
      enqueue(map_.add_dir(task.tree, task.dir, name, -1), task.live);
    if (type != DT_LNK || map_.link_at(task.dir, name) != 0) continue;
    found_links_.push_back({task.tree, task.dir, std::move(name), task.live});
    ++trees_.at(task.tree).to_crawl;
  }
  ::closedir(stream);
}

/// What has become of the entry since it was listed, an event has told already or will tell.
void TreeWatcher::take_up(const FoundLink& found) {
  const auto& [tree, dir, name, live] = found;
  if (!is_current(tree, dir) || map_.is_unreadable(dir)) return;
  if (map_.link_at(dir, name) != 0 || map_.child(dir, name) != 0) return;
  if (entry_type({tree, dir, live}, name) != DT_LNK) return;
  if (follows(tree, join(map_.path(dir), name))) add_link(dir, name, live);
}

unsigned char TreeWatcher::entry_type(const Task& task, const std::string& name) const {
  struct stat st {};
  std::string path = file_path(task.tree, join(map_.path(task.dir), name));
  if (::lstat(path.c_str(), &st) < 0) return DT_UNKNOWN;
  return static_cast<unsigned char>(IFTODT(st.st_mode));
}

}  // namespace mirrord
