// Several tree watchers, so that a queue overflow concerns only the trees that share a queue.
//
// Sources that overlap share one inotify instance, and with it their watches; others get one of
// their own, up to kMaxWatchers (fs.inotify.max_user_instances is 128 by default, for all
// programs of a user). The number of a tree tells its watcher. Trees of equal rules are one.
//
// Owns the memory of mount points, too: what is lost while a source is missing, or not crawled to
// its end, is not forgotten.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "io/mount_memory.hpp"
#include "io/tree_watcher.hpp"

namespace mirrord {

class WatchPool {
 public:
  static constexpr size_t kMaxWatchers = 16;

  /// See MountMemory for `writes`.
  WatchPool(Loop& loop, TreeWatcher::Listener listener, bool writes);

  TreeId add(const TreeRules& rules);
  /// As often as it was added.
  void remove(TreeId tree);
  TreeWatcher& of(TreeId tree) { return *members_.at(index_of(tree)).watcher; }
  const TreeWatcher& of(TreeId tree) const { return *members_.at(index_of(tree)).watcher; }
  /// Reads and reports all that the kernel has queued by now.
  void drain();
  /// Writes down the mount points that matter now. Not before all trees were added: what the others
  /// wait for would be forgotten.
  void remember_mounts();
  /// The same, once for all that happens until then.
  void remember_mounts_within(Duration delay);
  /// What they have to do, in words.
  std::vector<std::string> undone() const;

 private:
  struct Member {
    std::unique_ptr<TreeWatcher> watcher;
    std::multiset<std::string> sources;
  };
  struct SharedTree {
    TreeId id = 0;
    size_t users = 0;
  };
  static constexpr TreeId kTreesPerWatcher = 1 << 24;
  static size_t index_of(TreeId tree) { return tree / kTreesPerWatcher; }
  size_t choose(const std::string& source);
  TreeId watch(const TreeRules& rules);
  void unwatch(TreeId tree);
  bool knows_all() const;

  Loop& loop_;
  TreeWatcher::Listener listener_;
  MountMemory mounts_;
  Source remember_timer_;
  std::optional<Instant> remember_at_;
  std::vector<Member> members_;
  std::map<TreeRules, SharedTree> trees_;
};

}  // namespace mirrord
