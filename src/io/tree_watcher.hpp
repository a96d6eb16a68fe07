// Watches trees through their symbolic links and reports what changed, as logical paths.
//
// Owns the inotify instance, the crawl and the map of what is watched. A tree is a source with its
// link rule; trees share watches. Every directory is watched first and listed second, so nothing
// falls between. A crawl goes on a few directories per turn of the loop. A source that is missing,
// replaced or re-pointed is noticed by the steps of its path, all of which are watched.
//
// It refuses to decide what a change means for a target, and never touches what it watches.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/change.hpp"
#include "core/watch_map.hpp"
#include "io/event.hpp"
#include "io/inotify.hpp"
#include "io/resolve.hpp"

namespace mirrord {

struct TreeRules {
  std::string source;
  Symlinks symlinks = Symlinks::follow;
  SyncOn sync_on = SyncOn::close;
  auto operator<=>(const TreeRules&) const = default;
};

enum class TreeState { crawling, watching, missing };

class TreeWatcher {
 public:
  struct Listener {
    std::function<void(TreeId, const Change&)> changed;
    /// A regular file was created by open(2): its writer has it open still.
    std::function<void(TreeId, const std::string& path)> created;
    /// state() of the tree is another one, or it was crawled afresh.
    std::function<void(TreeId)> state_changed;
    /// Something is left out or cannot be watched: to be told to people, once.
    std::function<void(TreeId, const std::string& path, const std::string& reason)> trouble;
    /// The kernel's queue overflowed: every tree is crawled again.
    std::function<void()> overflowed;
  };

  TreeWatcher(Loop& loop, Listener listener);

  /// Begins to watch; state_changed follows when the crawl is done.
  TreeId add(TreeRules rules);
  void remove(TreeId tree);

  TreeState state(TreeId tree) const { return trees_.at(tree).state; }
  std::string resolved_source(TreeId tree) const;
  /// Whether the source's path still leads to the directory that is watched. When it does not,
  /// the tree is looked at again.
  bool stands(TreeId tree);
  /// Below the source on the disk: "SOURCE/path".
  std::string file_path(TreeId tree, const std::string& path) const;
  /// Links that must be hidden from rsync: dangling, loops, out of reach.
  std::vector<std::string> left_out(TreeId tree) const { return map_.left_out(tree); }
  size_t directories(TreeId tree) const { return map_.directories(tree); }
  size_t followed_links(TreeId tree) const { return map_.followed_links(tree); }
  /// Directories that the kernel refused to watch.
  size_t unwatched(TreeId tree) const { return map_.unwatched(tree); }
  bool at_watch_limit(TreeId tree) const { return trees_.at(tree).at_watch_limit; }
  size_t watches() const { return map_.watches(); }
  /// Forgets what it knows of the tree and crawls it again.
  void restart(TreeId tree);

 private:
  struct Tree {
    TreeRules rules;
    TreeState state = TreeState::crawling;
    LinkId root_link = 0;
    size_t to_crawl = 0;
    bool at_watch_limit = false;
  };
  struct Task {
    TreeId tree;
    NodeId dir;
    bool live;  // found while running: what it holds is reported as changed
  };
  struct Resolved {
    Resolution resolution;
    std::vector<Pin> pins;
  };

  bool follows(TreeId tree) const;
  bool reports_modify(TreeId tree) const;
  void place_root(TreeId tree);
  void drop_root(TreeId tree);
  void set_state(TreeId tree, TreeState state);
  Resolved resolve_and_pin(TreeId tree, const std::string& base, const std::string& path,
                           size_t skip_steps);
  std::string physical_path(NodeId dir) const;

  void enqueue(NodeId dir, bool live);
  void crawl_some();
  void crawl(const Task& task);
  void enter(const Task& task);
  void list(const Task& task, Fd fd);
  void found(const Task& task, const std::string& name, unsigned char type);
  void not_watched(const Task& task, int error);
  Inotify::Added place_watch(TreeId tree, const Fd& fd);
  bool is_loop(NodeId dir, int wd) const;
  void make_loop(const Task& task);
  NodeId add_link(NodeId parent, const std::string& name, bool live);

  void read_events();
  void handle(const WatchEvent& event);
  void handle_entry(NodeId dir, const WatchEvent& event);
  void appeared(NodeId dir, const WatchEvent& event);
  void forget(NodeId dir, const std::string& name);
  void relink(LinkId link);
  void relink_source(TreeId tree);
  void recheck_sources();
  void watch_ended(int wd);
  void release_unused();
  void report(NodeId dir, const std::string& name, ChangeKind kind);

  Loop& loop_;
  Listener listener_;
  Inotify inotify_;
  WatchMap map_;
  std::map<TreeId, Tree> trees_;
  TreeId last_tree_ = 0;
  std::vector<int> placed_;  // watches added since release_unused(); some found no use
  std::vector<Task> tasks_;
  Source events_source_;
  Source crawl_source_;
  Fd mounts_;
  Source mounts_source_;
};

}  // namespace mirrord
