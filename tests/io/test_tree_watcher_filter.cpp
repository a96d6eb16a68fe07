// What the rules of a tree exclude is neither watched nor reported, and what it hides is no
// trouble.
#include <gtest/gtest.h>

#include "io/watched_tree.hpp"

namespace mirrord {
namespace {

using test::write_file;
namespace fs = std::filesystem;

constexpr auto kAttributes = ChangeKind::attributes;
constexpr auto kData = ChangeKind::data;
constexpr auto kTree = ChangeKind::tree;

class WatcherFilter : public testing::Test, protected test::WatchedTree {
 protected:
  void watch_without(std::initializer_list<const char*> rules,
                     Symlinks symlinks = Symlinks::follow) {
    TreeRules tree_rules{src(), symlinks, SyncOn::close, std::nullopt, {}};
    for (const char* text : rules) {
      std::string reason;
      tree_rules.filter.push_back(*parse_filter_rule(text, reason));
    }
    watch(std::move(tree_rules));
  }
  size_t directories() {
    settle();
    return watcher->directories(tree);
  }
};

TEST_F(WatcherFilter, ExcludedDirectoriesGetNoWatches) {
  fs::create_directories(src("a/cache/deep/deeper"));
  fs::create_directories(src("cache2"));
  watch_without({"- cache/"});
  EXPECT_EQ(directories(), 3u) << "the source, a, cache2";
  fs::create_directories(src("cache2/cache/x"));
  EXPECT_EQ(directories(), 3u);
}

TEST_F(WatcherFilter, ExcludedNamesRaiseNoChanges) {
  fs::create_directories(src("d/cache"));
  write_file(src("d/y.tmp"), "1");
  watch_without({"+ keep.tmp", "- *.tmp", "- cache/"});
  forget();
  test::append_file(src("d/y.tmp"), "2");
  test::change_mode(src("d/y.tmp"), 0600);
  write_file(src("d/cache/f"), "1");
  EXPECT_TRUE(quiet()) << test::text_of(changes);
  EXPECT_TRUE(created.empty());
  EXPECT_TRUE(modified.empty());
  write_file(src("keep.tmp"), "1");
  EXPECT_TRUE(told("keep.tmp", kData)) << test::text_of(changes);
}

// "+ */" keeps the name of a directory, and nobody asks it of a file.
TEST_F(WatcherFilter, WritingToAnExcludedFileRaisesNoChange) {
  fs::create_directories(src("d"));
  write_file(src("d/x.log"), "1");
  watch_without({"+ */", "+ *.jpg", "- *"});
  forget();
  test::append_file(src("d/x.log"), "2");
  test::change_mode(src("d/x.log"), 0600);
  EXPECT_TRUE(quiet()) << test::text_of(changes);
  write_file(src("d/x.jpg"), "1");
  EXPECT_TRUE(told("d/x.jpg", kData)) << test::text_of(changes);
}

TEST_F(WatcherFilter, ExcludedNamesThatComeAndGoChangeTheirDirectories) {
  fs::create_directories(src("d"));
  watch_without({"- *.tmp"});
  forget();
  write_file(src("x.tmp"), "1");
  EXPECT_TRUE(told("", kAttributes)) << test::text_of(changes);
  forget();
  fs::rename(src("x.tmp"), src("d/y.tmp"));
  EXPECT_TRUE(told("", kAttributes)) << test::text_of(changes);
  EXPECT_TRUE(told("d", kAttributes)) << test::text_of(changes);
  EXPECT_EQ(changes.size(), 2u) << "and nothing else";
  forget();
  fs::remove(src("d/y.tmp"));
  EXPECT_TRUE(told("d", kAttributes)) << test::text_of(changes);
}

TEST_F(WatcherFilter, ARenameAcrossTheRulesIsACreationOrADeletion) {
  fs::create_directories(src("cache/deep"));
  watch_without({"- cache/"});
  forget();
  fs::rename(src("cache"), src("shown"));
  EXPECT_TRUE(told("shown", kTree)) << test::text_of(changes);
  EXPECT_EQ(directories(), 3u);
  forget();
  write_file(src("shown/deep/f"), "1");
  EXPECT_TRUE(told("shown/deep/f", kData));
  forget();
  fs::rename(src("shown"), src("cache"));
  EXPECT_TRUE(told("shown", kData)) << test::text_of(changes);
  EXPECT_EQ(directories(), 1u);
}

TEST_F(WatcherFilter, AnExcludedDirectoryInPlaceOfAFileIsTold) {
  write_file(src("cache"), "mirrored");
  watch_without({"- cache/"});
  forget();
  fs::remove(src("cache"));
  fs::create_directory(src("cache"));
  EXPECT_TRUE(told("cache", kData)) << test::text_of(changes);
  EXPECT_EQ(directories(), 1u);
}

TEST_F(WatcherFilter, AnExcludedLinkIsNotEnteredAndNoTrouble) {
  fs::create_directories(ext("tree/deep"));
  fs::create_directory_symlink(ext("tree"), src("cache"));
  fs::create_directory_symlink(".", src("loop.tmp"));
  fs::create_symlink("nowhere", src("dangling.tmp"));
  watch_without({"- cache/", "- *.tmp"});
  EXPECT_EQ(directories(), 1u);
  EXPECT_TRUE(hidden().empty());
  EXPECT_TRUE(troubles.empty());
  forget();
  write_file(ext("tree/f"), "1");
  EXPECT_TRUE(quiet()) << test::text_of(changes);
}

TEST_F(WatcherFilter, TreesWithOtherRulesSeeWhatOneExcludes) {
  fs::create_directories(src("cache"));
  watch_without({"- cache/"});
  const TreeId all = watcher->add({src(), Symlinks::follow, SyncOn::modify, std::nullopt, {}});
  settle();
  EXPECT_EQ(watcher->directories(all), 2u);
  EXPECT_EQ(watcher->directories(tree), 1u);
}

TEST_F(WatcherFilter, ProbesWithTheRules) {
  fs::create_directories(src("cache"));
  write_file(src("d/cache"), "");
  write_file(src("x.tmp"), "");
  watch_without({"- cache/", "- *.tmp"});
  EXPECT_EQ(watcher->probe(tree, "cache"), Entry::unclear) << "a file of that name is mirrored";
  EXPECT_EQ(watcher->probe(tree, "d"), Entry::directory);
  EXPECT_EQ(watcher->probe(tree, "d/cache"), Entry::other);
  EXPECT_EQ(watcher->probe(tree, "x.tmp"), Entry::left_out);
  EXPECT_EQ(watcher->probe(tree, "gone.tmp"), Entry::left_out);
  EXPECT_EQ(watcher->probe(tree, "gone"), Entry::missing);
  EXPECT_EQ(watcher->probe(tree, "d/d/cache"), Entry::unclear);
}

}  // namespace
}  // namespace mirrord
