#include "io/tree_watcher.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <limits>

#include "core/escape.hpp"
#include "core/path.hpp"
#include "io/file_system.hpp"
#include "io/fs_identity.hpp"

namespace mirrord {

TreeWatcher::TreeWatcher(Loop& loop, Listener listener, TreeId first_tree)
    : loop_(loop), listener_(std::move(listener)), next_tree_(first_tree) {
  rest_timer_ = loop_.timer([this] { read_events(); });
  starved_timer_ = loop_.timer([this] { crawl(); });
  if (inotify_) listen();
  watch_mounts();
}

TreeId TreeWatcher::add(TreeRules rules) {
  TreeId id = next_tree_++;
  Tree& tree = trees_[id];
  tree.rules = std::move(rules);
  tree.filter = Filter(tree.rules.filter);
  place_root(id);
  return id;
}

void TreeWatcher::remove(TreeId tree) {
  drop_root(tree);
  trees_.erase(tree);
  release_unused();
}

bool TreeWatcher::open_inotify() {
  if (inotify_) return true;
  if (!inotify_.open()) return false;
  listen();
  return true;
}

void TreeWatcher::restart(TreeId tree) {
  (void)open_inotify();
  refresh_mounts();  // as long as it is known what they concern
  drop_root(tree);
  place_root(tree);
  release_unused();
}

std::string TreeWatcher::resolved_source(TreeId tree) const {
  return map_.link(trees_.at(tree).root_link).referent;
}

std::optional<Identity> TreeWatcher::identity(TreeId id) const {
  const Tree& tree = trees_.at(id);
  if (tree.root == 0) return std::nullopt;
  return map_.link(tree.root_link).identity;
}

std::string TreeWatcher::file_path(TreeId tree, const std::string& path) const {
  const std::string& source = trees_.at(tree).rules.source;
  return source == "/" ? source + path : join(source, path);
}

Entry TreeWatcher::probe(TreeId id, const std::string& path) const {
  return filtered(id, path, entry_at(id, path));
}

Entry TreeWatcher::entry_at(TreeId id, const std::string& path) const {
  const Tree& tree = trees_.at(id);
  WatchMap::Place place;
  if (tree.root != 0) place = map_.find(tree.root, path);
  if (place.below_unreadable) return Entry::left_out;
  LinkEnd end = place.link != 0 ? map_.link(place.link).end : LinkEnd::file;
  if (end == LinkEnd::loop || end == LinkEnd::outside || end == LinkEnd::unreadable)
    return Entry::left_out;
  struct stat st {};
  std::string file = file_path(id, path);
  // A link that the map does not know yet is followed by the rule alone.
  bool follow = place.link != 0 || tree.rules.symlinks == Symlinks::follow;
  FsIdentity eyes(tree.rules.user);
  if ((follow ? ::stat(file.c_str(), &st) : ::lstat(file.c_str(), &st)) == 0)
    return S_ISDIR(st.st_mode) ? Entry::directory : Entry::other;
  if (errno == ENOENT) {
    // --copy-unsafe-links finds the link itself, and complains that it leads nowhere.
    bool found = place.link != 0 && tree.rules.symlinks == Symlinks::follow_external &&
                 ::lstat(file.c_str(), &st) == 0;
    return found ? Entry::left_out : Entry::missing;
  }
  // rsync takes only ENOENT for missing. A link that fails otherwise is hidden from it; a copy of
  // what it led to before is found by a comparison of its directory.
  if (end == LinkEnd::dangling) return Entry::unclear;
  return errno == ENOTDIR ? Entry::missing : Entry::other;
}

std::vector<std::string> TreeWatcher::undone() const {
  std::vector<std::string> undone;
  if (inotify_.unread() > 0)
    undone.push_back("events of the kernel were not read since number " +
                     std::to_string(inotify_.reads()));
  for (const auto& [id, tree] : trees_)
    if (tree.state == TreeState::crawling || tree.to_crawl > 0)
      // Events go first: while they pour in, the crawl may wait.
      undone.push_back("the crawl of '" + escape(tree.rules.source) + "' stands after " +
                       std::to_string(crawl_steps_) + " steps, and " +
                       std::to_string(inotify_.reads()) + " reads");
  return undone;
}

Blindness TreeWatcher::blindness(TreeId id) const {
  const Tree& tree = trees_.at(id);
  return {map_.unwatched(id), map_.unreadable_dirs(id).size(), tree.limit_error, tree.remote};
}

bool TreeWatcher::limit_was_raised(TreeId id) {
  const Tree& tree = trees_.at(id);
  if (tree.limit_error == 0) return false;
  if (tree.limit_error == EMFILE) return open_inotify();
  uint64_t limit = limit_behind(tree.limit_error).value;
  bool unknown = limit == std::numeric_limits<uint64_t>::max();  // no descriptor to read it with
  return !unknown && limit > tree.limit;
}

// ---- the source's own path

void TreeWatcher::place_root(TreeId id) {
  refresh_mounts();  // the event of an unmount may still be on its way
  Tree& tree = trees_.at(id);
  tree.limit_error = 0;
  tree.remote.clear();
  tree.root = 0;
  auto [resolution, pins] = resolve_and_pin(id, "/", tree.rules.source, 0);
  Link link;
  link.tree = id;
  link.end = end_of(id, resolution);
  link.referent = resolution.path;
  link.identity = resolution.identity;
  link.pins = std::move(pins);
  bool there = link.end == LinkEnd::directory;
  tree.root_link = map_.add_link(std::move(link));
  if (!there) return set_state(id, TreeState::missing);
  tree.root = map_.add_dir(id, 0, "", -1, tree.root_link);
  enqueue(tree.root, false);
  set_state(id, TreeState::crawling);
}

void TreeWatcher::drop_root(TreeId id) {
  Tree& tree = trees_.at(id);
  for (NodeId dir : map_.unreadable_dirs(id)) tree.was_unreadable.insert(map_.path(dir));
  map_.remove_link(tree.root_link);
  std::erase_if(tasks_, [&](const Task& task) { return task.tree == id; });
  std::erase_if(read_, [&](const ReadDirectory& read) { return read.task.tree == id; });
  std::erase_if(found_links_, [&](const FoundLink& found) { return found.tree == id; });
  tree.root = 0;
  tree.to_crawl = 0;
  tree.entries = 0;
}

void TreeWatcher::set_state(TreeId id, TreeState state) {
  trees_.at(id).state = state;
  if (state == TreeState::watching) trees_.at(id).was_unreadable.clear();
  listener_.state_changed(id);
}

bool TreeWatcher::stands(TreeId id) {
  const Tree& tree = trees_.at(id);
  std::optional<Identity> there;
  {
    FsIdentity eyes(tree.rules.user);
    there = identity_of(tree.rules.source);
  }
  if (there && tree.root != 0 && map_.link(tree.root_link).identity == *there) return true;
  if (source_is_as_before(id, resolve_as_user(id, "/", tree.rules.source))) return true;
  relink_source(id);
  release_unused();
  return false;
}

bool TreeWatcher::source_is_as_before(TreeId id, const Resolution& now) const {
  const Tree& tree = trees_.at(id);
  if (tree.root == 0) return false;
  const Link& root = map_.link(tree.root_link);
  return end_of(id, now) == LinkEnd::directory && now.path == root.referent &&
         now.identity == root.identity;
}

void TreeWatcher::relink_source(TreeId id) {
  // With its pins: a directory on the way may have been made anew, with the source moved into it.
  const auto [now, pins] = resolve_and_pin(id, "/", trees_.at(id).rules.source, 0);
  if (source_is_as_before(id, now) && pins == map_.link(trees_.at(id).root_link).pins) return;
  refresh_mounts();  // as long as it is known what they concern
  // Also when it is missing as before: it may be missing at a later step, with other pins.
  drop_root(id);
  place_root(id);
}

}  // namespace mirrord
