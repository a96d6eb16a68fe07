#include "io/watched_tree.hpp"

#include <gtest/gtest.h>
#include <systemd/sd-event.h>

#include <algorithm>

#include "core/escape.hpp"

namespace mirrord::test {

void settle(Loop& loop) {
  constexpr int kTurns = 100'000;
  for (int i = 0; i < kTurns; ++i) {
    int dispatched = sd_event_run(loop.get(), 0);
    ASSERT_GE(dispatched, 0);
    if (dispatched == 0) return;
  }
  FAIL() << "the loop does not come to rest";
}

void WatchedTree::settle() {
  do test::settle(loop);
  while (watcher && watcher->drain());
}

WatchedTree::WatchedTree() : base_(fs::canonical(dir_.path())) {
  fs::create_directory(src());
  fs::create_directory(ext());
}

void WatchedTree::watch(Symlinks symlinks, const fs::path& source) {
  watch(TreeRules{path(source), symlinks, SyncOn::close, std::nullopt, {}});
}

TreeWatcher::Listener WatchedTree::listener() {
  TreeWatcher::Listener listener;
  listener.changed = [this](TreeId, const Change& change) { changes.push_back(change); };
  listener.written = [this](TreeId, const std::string& file, bool is_new) {
    (is_new ? created : modified).push_back(file);
  };
  listener.lost = [this](TreeId) { ++losses; };
  listener.doubted = [this](TreeId) { ++doubts; };
  listener.progressed = [] {};
  listener.state_changed = [this](TreeId id) { states.push_back(watcher->state(id)); };
  listener.trouble = [this](TreeId, const Trouble& trouble) {
    troubles.push_back(trouble);
    when_troubled();
  };
  listener.mounts_changed = [] {};
  listener.overflowed = [](TreeId) { ADD_FAILURE() << "the inotify queue overflowed"; };
  return listener;
}

void WatchedTree::watch(TreeRules rules) {
  watcher = std::make_unique<TreeWatcher>(loop, listener());
  tree = watcher->add(std::move(rules));
  settle();
}

void WatchedTree::forget() {
  settle();
  changes.clear();
  created.clear();
  modified.clear();
  troubles.clear();
  states.clear();
}

bool WatchedTree::told(const std::string& logical, ChangeKind kind) {
  settle();
  return std::ranges::count(changes, Change{logical, kind}) != 0;
}

bool WatchedTree::covers(const std::string& logical) {
  settle();
  DirtySet dirty;
  for (const Change& change : changes) EXPECT_TRUE(dirty.add(change.path, change.kind, Instant()));
  for (const auto& files : {created, modified})
    for (const std::string& file : files) EXPECT_TRUE(dirty.add(file, ChangeKind::data, Instant()));
  return dirty.covers(logical);
}

bool WatchedTree::quiet() {
  settle();
  return changes.empty() && created.empty() && modified.empty();
}

TreeState WatchedTree::state() {
  settle();
  return watcher->state(tree);
}

std::vector<std::string> WatchedTree::hidden() {
  settle();
  return watcher->hidden(tree);
}

std::string text_of(const std::vector<Change>& changes) {
  static const char* const kKinds[] = {"attributes", "data", "children", "tree"};
  std::string text;
  for (const Change& change : changes)
    text += kKinds[static_cast<size_t>(change.kind)] + (" '" + escape(change.path) + "'\n");
  return text;
}

}  // namespace mirrord::test
