// A TreeWatcher on a directory of its own, and what it has reported.
//
// inotify queues an event before the system call that caused it returns, so no test waits: settle()
// turns the loop until there is nothing left to dispatch, and none that the watcher lets gather.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/dirty_set.hpp"
#include "io/tree_watcher.hpp"
#include "support/files.hpp"

namespace mirrord::test {

/// Turns the loop until nothing is left to do; fails the test when that never happens.
void settle(Loop& loop);

class WatchedTree {
 public:
  /// Makes "src/" and "ext/" in a directory of its own; nothing is watched yet.
  WatchedTree();

  /// Watches `source`, "src" when nothing is given, to the end of the crawl.
  void watch(Symlinks symlinks = Symlinks::follow, const fs::path& source = "src");
  void watch(TreeRules rules);
  /// Keeps what it is told; for a watcher of one's own in `watcher`.
  TreeWatcher::Listener listener();

  /// Forgets what was reported so far, events still under way included.
  void forget();
  void settle();

  fs::path path(const fs::path& name = "") const { return base_ / name; }
  fs::path src(const fs::path& name = "") const { return below("src", name); }
  fs::path ext(const fs::path& name = "") const { return below("ext", name); }

  /// After settling: whether this change was reported since forget().
  bool told(const std::string& logical, ChangeKind kind);
  /// After settling: whether an rsync of what was reported looks at this path.
  bool covers(const std::string& logical);
  /// After settling: whether nothing at all was reported.
  bool quiet();
  TreeState state();
  std::vector<std::string> hidden();

  Loop loop;
  std::unique_ptr<TreeWatcher> watcher;
  TreeId tree = 0;
  std::vector<Change> changes;
  std::vector<std::string> created;   // reported as perhaps open still
  std::vector<std::string> modified;  // the same, of files that were there before
  std::vector<Trouble> troubles;
  std::vector<TreeState> states;
  std::function<void()> when_troubled = [] {};
  int losses = 0;
  int doubts = 0;

 private:
  fs::path below(const char* top, const fs::path& name) const {
    return name.empty() ? base_ / top : base_ / top / name;
  }
  TempDir dir_;
  fs::path base_;
};

/// Readable in failures.
std::string text_of(const std::vector<Change>& changes);

}  // namespace mirrord::test
