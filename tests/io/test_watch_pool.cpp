#include "io/watch_pool.hpp"

#include <gtest/gtest.h>

#include "watched_tree.hpp"

namespace mirrord::test {

namespace {

class WatchPoolTest : public testing::Test {
 protected:
  TreeRules rules(const fs::path& name, Symlinks symlinks = Symlinks::follow) const {
    TreeRules rules;
    rules.source = dir / name;
    rules.symlinks = symlinks;
    return rules;
  }

  TempDir dir;
  Loop loop;
  std::vector<std::pair<TreeId, std::string>> changes;
  WatchPool pool{
      loop,
      {[this](TreeId tree, const Change& change) { changes.emplace_back(tree, change.path); },
       [](TreeId, const std::string&, bool) {}, [](TreeId) {}, [](TreeId) {}, [] {}, [](TreeId) {},
       [](TreeId, const Trouble&) {}, [](TreeId) {}, [] {}},
      false};
};

}  // namespace

TEST_F(WatchPoolTest, TreesOfEqualRulesAreOneUntilTheLastIsRemoved) {
  fs::create_directory(dir / "src");
  const TreeId first = pool.add(rules("src"));
  EXPECT_EQ(pool.add(rules("src")), first);
  const TreeId other = pool.add(rules("src", Symlinks::preserve));
  EXPECT_NE(other, first);
  settle(loop);

  pool.remove(other);
  pool.remove(first);
  changes.clear();
  fs::create_directory(dir / "src" / "new");
  settle(loop);
  ASSERT_FALSE(changes.empty());
  for (const auto& [tree, path] : changes) EXPECT_EQ(tree, first) << path;

  pool.remove(first);
  changes.clear();
  fs::create_directory(dir / "src" / "unseen");
  settle(loop);
  EXPECT_TRUE(changes.empty());
}

}  // namespace mirrord::test
