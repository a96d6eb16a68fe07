#include "core/dirty_set.hpp"
#include "core/path.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace mirrord {
namespace {

using namespace std::chrono_literals;

constexpr auto kAttributes = ChangeKind::attributes;
constexpr auto kData = ChangeKind::data;
constexpr auto kChildren = ChangeKind::children;
constexpr auto kTree = ChangeKind::tree;

Instant at(Duration since_start) { return Instant(1h + since_start); }

using Paths = std::vector<std::string>;
using Contents = std::map<std::string, ChangeKind>;

/// Takes everything out.
Contents drained(DirtySet set) {
  Contents contents;
  while (!set.empty()) {
    Batch batch = set.take();
    for (const std::string& path : batch.paths) contents[path] = batch.kind;
  }
  return contents;
}

DirtySet filled(const std::vector<Change>& changes) {
  DirtySet set;
  for (const Change& change : changes) EXPECT_TRUE(set.add(change.path, change.kind, at(0ms)));
  return set;
}

TEST(DirtySet, StartsEmpty) {
  DirtySet set;
  EXPECT_TRUE(set.empty());
  EXPECT_EQ(set.size(), 0u);
  EXPECT_EQ(set.oldest(), std::nullopt);
  EXPECT_FALSE(set.covers(""));
}

TEST(DirtySet, StrongerKindsAbsorbWeakerOnes) {
  const struct {
    const char* name;
    std::vector<Change> added;
    Contents left;
  } cases[] = {
      {"twice", {{"a", kData}, {"a", kData}}, {{"a", kData}}},
      {"attributes then data", {{"a", kAttributes}, {"a", kData}}, {{"a", kData}}},
      {"data then attributes", {{"a", kData}, {"a", kAttributes}}, {{"a", kData}}},
      {"data then tree", {{"a", kData}, {"a", kTree}}, {{"a", kTree}}},
      {"tree then data", {{"a", kTree}, {"a", kData}}, {{"a", kTree}}},
      {"tree then attributes", {{"a", kTree}, {"a", kAttributes}}, {{"a", kTree}}},
      {"tree absorbs what is below",
       {{"a/b", kData}, {"a/c/d", kAttributes}, {"a", kTree}},
       {{"a", kTree}}},
      {"tree absorbs a tree below", {{"a/b", kTree}, {"a", kTree}}, {{"a", kTree}}},
      {"children over data", {{"a", kData}, {"a", kChildren}, {"a", kData}}, {{"a", kChildren}}},
      {"children absorb nothing below",
       {{"a/b", kData}, {"a", kChildren}},
       {{"a", kChildren}, {"a/b", kData}}},
      {"tree over children", {{"a", kChildren}, {"a", kTree}, {"a", kChildren}}, {{"a", kTree}}},
      {"below a tree", {{"a", kTree}, {"a/b", kData}, {"a/b/c", kTree}}, {{"a", kTree}}},
      {"data absorbs nothing below",
       {{"a/b", kData}, {"a", kData}},
       {{"a", kData}, {"a/b", kData}}},
      {"the root tree absorbs all", {{"a", kData}, {"b/c", kTree}, {"", kTree}}, {{"", kTree}}},
      {"below the root tree", {{"", kTree}, {"a", kData}, {"", kData}}, {{"", kTree}}},
      {"the root's own data", {{"", kData}, {"a", kData}}, {{"", kData}, {"a", kData}}},
  };
  for (const auto& c : cases) EXPECT_EQ(drained(filled(c.added)), c.left) << c.name;
}

TEST(DirtySet, ATreeSparesNeighboursWhoseNamesSortNearTheSlash) {
  // '-' and '.' stand just before '/' in byte order, '0' just after it.
  std::string high = "a\xff", newline = "a\n", slash_end = "a/\xff\xff";
  DirtySet set = filled({{"a-b", kData},
                         {"a.b", kData},
                         {"a0", kData},
                         {"a0/x", kData},
                         {"a/b", kData},
                         {"a/", kData},
                         {slash_end, kData},
                         {high, kData},
                         {newline, kData},
                         {"a", kTree}});
  EXPECT_EQ(drained(set), (Contents{{"a", kTree},
                                    {"a-b", kData},
                                    {"a.b", kData},
                                    {"a0", kData},
                                    {"a0/x", kData},
                                    {high, kData},
                                    {newline, kData}}));
  for (const char* path : {"a", "a/b", "a/b/c", "a-b"}) EXPECT_TRUE(set.covers(path)) << path;
  for (const char* path : {"", "a-", "a-b/c", "ab", "A", "b"})
    EXPECT_FALSE(set.covers(path)) << path;
}

TEST(DirtySet, IsOldestByTheFirstChange) {
  DirtySet set;
  ASSERT_TRUE(set.add("a", kData, at(20ms)));
  ASSERT_TRUE(set.add("b", kAttributes, at(30ms)));
  EXPECT_EQ(set.oldest(), at(20ms));
  ASSERT_TRUE(set.add("c", kData, at(10ms)));
  EXPECT_EQ(set.oldest(), at(10ms));
}

TEST(DirtySet, StaysAsOldAsWhatItAbsorbs) {
  const struct {
    const char* name;
    Change first, second;
  } cases[] = {
      {"raised to data", {"a", kAttributes}, {"a", kData}},
      {"raised to tree", {"a", kData}, {"a", kTree}},
      {"absorbed by a tree above", {"a/b", kData}, {"a", kTree}},
      {"tree absorbed by a tree above", {"a/b", kTree}, {"a", kTree}},
      {"absorbed by the root", {"a/b", kData}, {"", kTree}},
  };
  for (const auto& c : cases) {
    DirtySet set;
    ASSERT_TRUE(set.add(c.first.path, c.first.kind, at(1ms)));
    ASSERT_TRUE(set.add(c.second.path, c.second.kind, at(50ms)));
    EXPECT_EQ(set.oldest(), at(1ms)) << c.name;
    EXPECT_LE(set.take().oldest, at(1ms)) << c.name;
  }
}

TEST(DirtySet, StaysAsOldAsWhatIsGivenBack) {
  for (Change newer : {Change{"a", kTree}, Change{"", kTree}, Change{"a/b", kTree}}) {
    DirtySet set;
    ASSERT_TRUE(set.add(newer.path, newer.kind, at(50ms)));
    ASSERT_TRUE(set.add("a/b", kData, at(1ms)));
    EXPECT_EQ(set.oldest(), at(1ms)) << newer.path;
  }
}

TEST(DirtySet, TakesTheKindThatWaitedLongest) {
  DirtySet set;
  ASSERT_TRUE(set.add("mode", kAttributes, at(1ms)));
  ASSERT_TRUE(set.add("b", kData, at(2ms)));
  ASSERT_TRUE(set.add("a", kData, at(3ms)));
  ASSERT_TRUE(set.add("names", ChangeKind::children, at(4ms)));
  EXPECT_EQ(set.take().paths, Paths{"mode"});
  Batch second = set.take();
  EXPECT_EQ(second.kind, kData);
  EXPECT_EQ(second.paths, (Paths{"a", "b"}));
  EXPECT_EQ(second.oldest, at(2ms));
  EXPECT_EQ(set.take().paths, Paths{"names"});
  EXPECT_TRUE(set.empty());
}

TEST(DirtySet, JoinsARenamedDirectoryToOneBatch) {
  DirtySet set;
  ASSERT_TRUE(set.add("old", kData, at(1ms)));
  ASSERT_TRUE(set.add("new", kTree, at(2ms)));
  Batch batch = set.take();
  set.join_trees_and_data(batch);
  EXPECT_EQ(batch.kind, kTree);
  EXPECT_EQ(batch.paths, (Paths{"old", "new"}));
  EXPECT_EQ(batch.oldest, at(1ms));
  EXPECT_TRUE(set.empty());
}

TEST(DirtySet, TakesAtMostABatch) {
  DirtySet set;
  for (size_t i = 0; i < DirtySet::kBatchLimit + 5; ++i)
    ASSERT_TRUE(set.add("f" + std::to_string(i), kData, at(0ms)));
  EXPECT_EQ(set.take().paths.size(), DirtySet::kBatchLimit);
  EXPECT_EQ(set.size(), 5u);
  EXPECT_EQ(set.take().paths.size(), 5u);
  EXPECT_TRUE(set.empty());
}

/// A path in a directory of its own.
std::string lonely(size_t number) { return std::to_string(number) + "/file"; }

TEST(DirtySet, BeyondItsLimitKnowsDirectoriesOnly) {
  DirtySet set;
  ASSERT_TRUE(set.add("moved", kTree, at(30ms)));
  ASSERT_TRUE(set.add("d1", kChildren, at(20ms)));
  for (size_t i = set.size(); i < DirtySet::kLimit; ++i)
    ASSERT_TRUE(set.add("d" + std::to_string(i % 3) + "/f" + std::to_string(i),
                        i % 2 ? kData : kAttributes, at(10ms)));
  EXPECT_EQ(set.size(), DirtySet::kLimit);
  EXPECT_TRUE(set.add("top", kData, at(40ms)));
  EXPECT_TRUE(set.covers("d2/f5"));
  EXPECT_TRUE(set.covers("top"));
  EXPECT_FALSE(set.covers("d2/f5/below"));
  EXPECT_EQ(set.oldest(), at(10ms));
  EXPECT_EQ(drained(set), (Contents{{"moved", kTree},
                                    {"", kChildren},
                                    {"d0", kChildren},
                                    {"d1", kChildren},
                                    {"d2", kChildren}}));
}

TEST(DirtySet, ForgetsTheDetailsOfTooManyDirectories) {
  DirtySet set;
  for (size_t i = 0; i < DirtySet::kLimit; ++i)
    ASSERT_TRUE(set.add(lonely(i), i % 2 ? kData : kAttributes, at(0ms)));
  EXPECT_TRUE(set.add(lonely(7), kTree, at(0ms))) << "known already";
  EXPECT_FALSE(set.add("one more", kData, at(0ms)));
  EXPECT_TRUE(set.empty());
  EXPECT_TRUE(set.add("afterwards", kData, at(0ms)));
}

TEST(DirtySet, MergesAnotherSet) {
  DirtySet set = filled({{"a", kData}});
  ASSERT_TRUE(set.add("b", kTree, at(5ms)));
  ASSERT_TRUE(set.add("c", kTree, at(5ms)));
  ASSERT_TRUE(set.merge(filled({{"a", kAttributes}, {"b/x", kData}, {"d", kData}})));
  EXPECT_EQ(drained(set), (Contents{{"a", kData}, {"b", kTree}, {"c", kTree}, {"d", kData}}));
}

TEST(DirtySet, MergeTellsWhenItOverflows) {
  DirtySet full;
  for (size_t i = 0; i < DirtySet::kLimit; ++i) ASSERT_TRUE(full.add(lonely(i), kData, at(0ms)));
  EXPECT_FALSE(full.add("x", kData, at(0ms)));
  EXPECT_TRUE(full.empty());
  for (size_t i = 0; i < DirtySet::kLimit; ++i) ASSERT_TRUE(full.add(lonely(i), kData, at(0ms)));
  EXPECT_FALSE(full.merge(filled({{"x", kAttributes}, {"y", kData}})));
}

/// The same rules in the plainest way.
class Model {
 public:
  void add(const std::string& path, ChangeKind kind) {
    for (const auto& [known, known_kind] : paths_)
      if (known_kind == kTree && (known == path || is_below(path, known))) return;
    auto [known, fresh] = paths_.try_emplace(path, kind);
    known->second = std::max(known->second, kind);
    if (kind == kTree)
      std::erase_if(paths_, [&](const auto& entry) { return is_below(entry.first, path); });
  }
  bool covers(const std::string& path) const {
    return std::ranges::any_of(paths_, [&](const auto& entry) {
      return entry.first == path || (entry.second == kTree && is_below(path, entry.first)) ||
             (entry.second == kChildren && parent_of(path) == entry.first);
    });
  }
  const Contents& paths() const { return paths_; }

 private:
  static bool is_below(const std::string& path, const std::string& dir) {
    return path != dir && (dir.empty() || path.starts_with(dir + '/'));
  }
  Contents paths_;
};

std::string random_path(std::minstd_rand& random) {
  static const char* const kNames[] = {"a", "b", "a-", "a0", "a.", "\xff"};
  std::string path;
  for (auto depth = random() % 4; depth > 0; --depth) path = join(path, kNames[random() % 6]);
  return path;
}

TEST(DirtySet, AgreesWithTheNaiveModel) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::minstd_rand random(seed * 7919);
    DirtySet set;
    Model model;
    for (int i = 0; i < 40; ++i) {
      std::string path = random_path(random);
      // Few trees, or the root soon absorbs everything.
      auto kind = random() % 8 == 0 ? kTree : static_cast<ChangeKind>(random() % 3);
      if (kind == kTree && path.empty() && random() % 4 != 0) continue;
      ASSERT_TRUE(set.add(path, kind, at(0ms)));
      model.add(path, kind);
      std::string probe = random_path(random);
      ASSERT_EQ(set.covers(probe), model.covers(probe)) << probe;
      ASSERT_EQ(set.size(), model.paths().size());
    }
    ASSERT_EQ(drained(set), model.paths());
  }
}

}  // namespace
}  // namespace mirrord
