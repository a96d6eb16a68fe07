// Several tree watchers, so that a queue overflow concerns only the trees that share a queue.
//
// Sources that overlap share one inotify instance, and with it their watches; others get one of
// their own, up to kMaxWatchers (fs.inotify.max_user_instances is 128 by default, for all
// programs of a user). The number of a tree tells its watcher.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "io/tree_watcher.hpp"

namespace mirrord {

class WatchPool {
 public:
  static constexpr size_t kMaxWatchers = 16;

  WatchPool(Loop& loop, TreeWatcher::Listener listener)
      : loop_(loop), listener_(std::move(listener)) {}

  /// For trees that are added from now on: mount points that were there, and may be missing now.
  void expect_mounts(std::set<std::string> mount_points) { expected_ = std::move(mount_points); }
  /// See TreeWatcher::mounts_that_matter().
  std::set<std::string> mounts_that_matter() const;

  TreeId add(const TreeRules& rules);
  void remove(TreeId tree);
  TreeWatcher& of(TreeId tree) { return *members_.at(index_of(tree)).watcher; }
  const TreeWatcher& of(TreeId tree) const { return *members_.at(index_of(tree)).watcher; }
  /// Reads and reports all that the kernel has queued by now.
  void drain();
  /// What they have to do, in words.
  std::vector<std::string> undone() const;

 private:
  struct Member {
    std::unique_ptr<TreeWatcher> watcher;
    std::multiset<std::string> sources;
  };
  static constexpr TreeId kTreesPerWatcher = 1 << 24;
  static size_t index_of(TreeId tree) { return tree / kTreesPerWatcher; }
  size_t choose(const std::string& source);

  Loop& loop_;
  TreeWatcher::Listener listener_;
  std::set<std::string> expected_;
  std::vector<Member> members_;
};

}  // namespace mirrord
