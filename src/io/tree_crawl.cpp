// TreeWatcher: the crawl. Watch first, list second.
#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/escape.hpp"
#include "core/path.hpp"
#include "io/directory_reader.hpp"
#include "io/file_system.hpp"
#include "io/tree_watcher.hpp"

namespace mirrord {

namespace {

using Clock = std::chrono::steady_clock;

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
  constexpr size_t kStepsPerTurn = 512;
  constexpr auto kTurn = std::chrono::milliseconds(5);  // of a file system that answers slowly
  const Turn turn{crawl_steps_ + kStepsPerTurn, Clock::now() + kTurn};
  starved_ = false;
  auto rests = [this] { return starved_ || (tasks_.empty() && found_links_.empty()); };
  do {
    take_up_links(turn);
    if (found_links_.empty()) read_some(turn);
    enter_read();
  } while (!rests() && crawl_steps_ < turn.last_step && Clock::now() < turn.end);
  tell_finished();
  release_unused();
  listener_.progressed();
  if (!rests()) return;
  crawl_source_.reset();
  tasks_.shrink_to_fit();  // of a wide tree there were many
}

void TreeWatcher::take_up_links(const Turn& turn) {
  while (!found_links_.empty() && crawl_steps_ < turn.last_step) {
    const FoundLink found = pop(found_links_);
    count_step(found.tree);
    take_up(found);
    if (Clock::now() >= turn.end) return;
  }
}

/// Those that there is no time for in this turn go back to where they were.
void TreeWatcher::read_some(const Turn& turn) {
  std::vector<Task> tasks;
  std::vector<DirectoryRequest> requests;
  while (!tasks_.empty() && crawl_steps_ + tasks.size() < turn.last_step) {
    const Task task = pop(tasks_);
    if (!is_current(task.tree, task.dir)) {
      count_step(task.tree);
      continue;
    }
    tasks.push_back(task);
    requests.push_back(request_for(task));
  }
  std::vector<DirectoryListing> listings = read_directories(inotify_, requests, turn.end);
  while (tasks.size() > listings.size()) tasks_.push_back(pop(tasks));
  for (size_t i = 0; i < tasks.size(); ++i) {
    if (listings[i].watch.wd >= 0) placed_.push_back(listings[i].watch.wd);
    read_.push_back({tasks[i], std::move(requests[i].path), std::move(listings[i])});
  }
}

DirectoryRequest TreeWatcher::request_for(const Task& task) const {
  const Tree& tree = trees_.at(task.tree);
  const bool follow = map_.via(task.dir) != 0;
  return {file_path(task.tree, map_.path(task.dir)),
          follow,
          tree.rules.user,
          follow ? map_.branch(map_.parent(task.dir)) : std::vector<int>(),
          tree.remote.empty(),
          local_device_};
}

void TreeWatcher::enter_read() {
  while (!read_.empty()) {
    const ReadDirectory read = pop(read_);
    const auto& [tree, dir, live] = read.task;
    count_step(tree);
    // One that has gone meanwhile may have left its number to another one.
    if (is_current(tree, dir) && file_path(tree, map_.path(dir)) == read.path) enter(read);
  }
}

/// Before the step: it may find that the source is another one, which begins to count anew.
void TreeWatcher::count_step(TreeId tree) {
  ++crawl_steps_;
  --trees_.at(tree).to_crawl;
}

void TreeWatcher::tell_finished() {
  auto finished = [this] {
    return std::ranges::find_if(trees_, [](const auto& entry) {
      return entry.second.state == TreeState::crawling && entry.second.to_crawl == 0;
    });
  };
  // Whoever is told may add trees, and remove them.
  for (auto tree = finished(); tree != trees_.end(); tree = finished())
    set_state(tree->first, TreeState::watching);
}

bool TreeWatcher::is_current(TreeId tree, NodeId dir) const {
  return map_.alive(dir) && map_.tree_of(dir) == tree;
}

void TreeWatcher::enter(const ReadDirectory& read) {
  const Task& task = read.task;
  const DirectoryListing& listing = read.listing;
  if (!lost_mounts_.empty() && is_lost(physical_path(task.dir))) return lose(task.dir);
  if (listing.error != 0) return could_not_open(task, listing.error);
  bool was_unreadable = map_.is_unreadable(task.dir);
  if (was_unreadable) map_.set_unreadable(task.dir, false);
  std::vector<Trouble> troubles;
  if (!map_.watched(task.dir)) {
    if (is_loop(task, listing)) return leave_out(task, LinkEnd::loop);
    if (auto trouble = take_watch(task, listing.watch)) troubles.push_back(*trouble);
  }
  if (listing.cut_short != 0)
    troubles.push_back({map_.path(task.dir),
                        std::string("cannot be read to its end, the rest is not watched until a "
                                    "restart: ") +
                            std::strerror(listing.cut_short)});
  note_file_system(read);
  take_found(task, listing);
  if (task.live) {
    if (was_unreadable && is_empty_directory(read.path)) listener_.doubted(task.tree);
    report(task.dir, "", ChangeKind::tree);
  }
  // Last: whoever is told may look at the tree afresh.
  for (const Trouble& trouble : troubles) listener_.trouble(task.tree, trouble);
}

void TreeWatcher::could_not_open(const Task& task, int error) {
  if (out_of_descriptors(error)) return wait_for_descriptor(task, error);
  // Gone or replaced meanwhile: an event tells. Anything else is ours to tell.
  if (error != ENOENT && error != ENOTDIR && error != ELOOP) cannot_read(task, error);
}

/// The crawl stands until there is one: nothing is known of the directory before.
void TreeWatcher::wait_for_descriptor(const Task& task, int error) {
  constexpr auto kWait = std::chrono::seconds(1);
  tasks_.push_back(task);
  ++trees_.at(task.tree).to_crawl;
  if (std::exchange(starved_, true)) return;  // told by another one
  loop_.arm(starved_timer_, loop_.now() + kWait);
  listener_.trouble(task.tree, {map_.path(task.dir),
                                std::string("waits to be watched: ") + std::strerror(error)});
}

void TreeWatcher::note_file_system(const ReadDirectory& read) {
  if (!read.listing.remote) return;
  Tree& tree = trees_.at(read.task.tree);
  if (read.listing.remote->empty())
    local_device_ = read.listing.device;
  else if (tree.remote.empty())
    tree.remote = *read.listing.remote + " at '" + escape(read.path) + "'";
}

bool TreeWatcher::is_loop(const Task& task, const DirectoryListing& own) const {
  NodeId parent = map_.parent(task.dir);
  if (map_.via(task.dir) == 0 || parent == 0) return false;
  if (own.is_above) return true;
  // A directory without a watch has no descriptor to know it by.
  bool all_watched = own.watch.wd >= 0;
  for (NodeId d = parent; d != 0; d = map_.parent(d)) all_watched &= map_.watched(d);
  if (all_watched) return false;
  struct stat other {};
  for (NodeId d = parent; d != 0; d = map_.parent(d))
    if (::stat(file_path(task.tree, map_.path(d)).c_str(), &other) == 0 &&
        own.device == other.st_dev && own.inode == other.st_ino)
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

std::optional<Trouble> TreeWatcher::take_watch(const Task& task, Inotify::Added watch) {
  if (watch.wd >= 0) {
    map_.set_watch(task.dir, watch.wd);
    return std::nullopt;
  }
  Tree& tree = trees_.at(task.tree);
  map_.set_unwatched(task.dir);
  bool limit = watch.error == ENOSPC || watch.error == EMFILE;
  if (limit && tree.limit_error != 0) return std::nullopt;  // told once, not per directory
  std::string reason = std::strerror(watch.error);
  if (limit) {
    InotifyLimit reached = limit_behind(watch.error);
    tree.limit_error = watch.error;
    tree.limit = reached.value;
    reason = "the limit " + reached.name + " is reached";
  }
  return Trouble{map_.path(task.dir), "cannot be watched: " + reason, limit};
}

void TreeWatcher::take_found(const Task& task, const DirectoryListing& listing) {
  trees_.at(task.tree).entries += listing.entries;
  for (const auto& [name, type] : listing.found) {
    if (excludes_found(task.dir, name, type)) continue;
    if (type == DT_DIR && map_.child(task.dir, name) == 0)
      enqueue(map_.add_dir(task.tree, task.dir, name, -1), task.live);
    if (type != DT_LNK || map_.link_at(task.dir, name) != 0) continue;
    found_links_.push_back({task.tree, task.dir, name, task.live});
    ++trees_.at(task.tree).to_crawl;
  }
}

/// What has become of the entry since it was listed, an event has told already or will tell.
void TreeWatcher::take_up(const FoundLink& found) {
  const auto& [tree, dir, name, live] = found;
  if (!is_current(tree, dir) || map_.is_unreadable(dir)) return;
  if (map_.link_at(dir, name) != 0 || map_.child(dir, name) != 0) return;
  const std::string path = join(map_.path(dir), name);
  struct stat st {};
  if (::lstat(file_path(tree, path).c_str(), &st) < 0 || !S_ISLNK(st.st_mode)) return;
  if (follows(tree, path)) add_link(dir, name, live);
}

}  // namespace mirrord
