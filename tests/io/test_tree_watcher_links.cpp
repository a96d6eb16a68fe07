// Links below the source: where they lead, and what makes them lead elsewhere.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "io/watched_tree.hpp"

namespace mirrord {
namespace {

using test::point_link;
using test::text_of;
using test::write_file;
namespace fs = std::filesystem;

constexpr auto kData = ChangeKind::data;
constexpr auto kTree = ChangeKind::tree;

using Paths = std::vector<std::string>;

class Links : public testing::Test, protected test::WatchedTree {
 protected:
  void link(const std::string& name, const fs::path& destination) const {
    fs::create_symlink(destination, src(name));
  }
  bool follows(const std::string& logical_dir, const fs::path& physical_dir) {
    forget();
    write_file(physical_dir / "probe", "x");
    bool seen = covers(logical_dir + "/probe");
    fs::remove(physical_dir / "probe");
    settle();
    return seen;
  }
};

TEST_F(Links, ChangesByTheRealPathAreReportedUnderEachLogicalPath) {
  fs::create_directories(ext("real/sub"));
  link("one", ext("real"));
  link("two", "../ext/real");
  watch();
  EXPECT_EQ(watcher->directories(tree), 5u);
  EXPECT_EQ(watcher->followed_links(tree), 2u);
  forget();
  write_file(ext("real/sub/f"), "x");
  EXPECT_TRUE(told("one/sub/f", kData));
  EXPECT_TRUE(told("two/sub/f", kData));
  forget();
  fs::create_directories(src("one/new/deep"));
  EXPECT_TRUE(covers("one/new/deep"));
  EXPECT_TRUE(covers("two/new/deep"));
  EXPECT_TRUE(follows("two/new/deep", ext("real/new/deep")));
}

TEST_F(Links, ALinkThatAppearsIsFollowed) {
  write_file(ext("real/f"), "x");
  watch();
  link("l", ext("real"));
  EXPECT_TRUE(told("l", kTree));
  EXPECT_TRUE(follows("l", ext("real")));
  fs::remove(src("l"));
  EXPECT_TRUE(told("l", kData));
  EXPECT_FALSE(follows("l", ext("real")));
  EXPECT_EQ(watcher->directories(tree), 1u);
}

TEST_F(Links, AFileBehindALinkIsReportedWhenWrittenInPlace) {
  write_file(ext("file"), "x");
  link("l", ext("file"));
  watch();
  test::append_file(ext("file"), "y");
  EXPECT_TRUE(told("l", kData));
  forget();
  write_file(ext("fresh"), "z");
  settle();
  forget();
  fs::rename(ext("fresh"), ext("file"));
  EXPECT_TRUE(told("l", kData)) << "replaced by a rename";
  forget();
  write_file(ext("beside"), "x");
  EXPECT_TRUE(quiet()) << text_of(changes);
}

TEST_F(Links, AChmodOfTheFileBehindALinkIsReported) {
  write_file(ext("file"), "x");
  link("l", ext("file"));
  watch();
  test::change_mode(ext("file"), 0600);
  EXPECT_TRUE(covers("l"));
}

TEST_F(Links, AChmodOnTheWayToAFileSendsNoFile) {
  write_file(ext("dir/file"), "x");
  link("l", ext("dir/file"));
  watch();
  forget();
  test::change_mode(ext("dir"), 0711);
  EXPECT_TRUE(quiet()) << text_of(changes);
  fs::rename(ext("dir/file"), ext("dir/other"));
  fs::rename(ext("dir/other"), ext("dir/file"));
  EXPECT_TRUE(told("l", kData));
}

TEST_F(Links, AFileOnANewWayIsReported) {
  write_file(ext("dir/file"), "x");
  link("l", ext("dir/file"));
  watch();
  forget();
  fs::rename(ext("dir"), ext("old"));
  fs::create_directory(ext("dir"));
  fs::rename(ext("old/file"), ext("dir/file"));
  test::append_file(ext("dir/file"), "y");
  EXPECT_TRUE(told("l", kData));
}

TEST_F(Links, ARePointedLinkIsFollowedToItsNewPlace) {
  fs::create_directory(ext("a"));
  fs::create_directory(ext("b"));
  link("l", ext("a"));
  watch();
  point_link(src("l"), ext("b"));
  EXPECT_TRUE(told("l", kTree)) << "by rename over it";
  EXPECT_TRUE(follows("l", ext("b")));
  EXPECT_FALSE(follows("l", ext("a")));
  fs::remove(src("l"));
  link("l", ext("a"));
  EXPECT_TRUE(told("l", kTree)) << "by unlink and symlink";
  EXPECT_TRUE(follows("l", ext("a")));
  EXPECT_FALSE(follows("l", ext("b")));
}

TEST_F(Links, ALinkInTheMiddleOfAChainIsRePointed) {
  fs::create_directory(ext("v1"));
  fs::create_directory(ext("v2"));
  fs::create_symlink("v1", ext("current"));
  link("l", ext("current"));
  watch();
  EXPECT_TRUE(follows("l", ext("v1")));
  point_link(ext("current"), "v2");
  EXPECT_TRUE(told("l", kTree));
  EXPECT_TRUE(follows("l", ext("v2")));
  EXPECT_FALSE(follows("l", ext("v1")));
}

TEST_F(Links, ADanglingLinkIsHiddenUntilItGainsAReferent) {
  link("l", ext("later"));
  link("m", "../ext/deep/er/dir");
  watch();
  EXPECT_EQ(hidden(), (Paths{"l", "m"}));
  write_file(ext("later"), "x");
  EXPECT_TRUE(covers("l"));
  EXPECT_EQ(hidden(), Paths{"m"});
  fs::create_directories(ext("deep/er/dir"));
  EXPECT_TRUE(told("m", kTree));
  EXPECT_EQ(hidden(), Paths{});
  EXPECT_TRUE(follows("m", ext("deep/er/dir")));
}

TEST_F(Links, ALinkWhoseReferentVanishesIsHidden) {
  write_file(ext("file"), "x");
  fs::create_directories(ext("dir/sub"));
  link("f", ext("file"));
  link("d", ext("dir"));
  watch();
  fs::remove(ext("file"));
  EXPECT_TRUE(told("f", kData));
  EXPECT_EQ(hidden(), Paths{"f"});
  fs::remove_all(ext("dir"));
  EXPECT_TRUE(told("d", kData));
  EXPECT_EQ(hidden(), (Paths{"d", "f"}));
  EXPECT_EQ(watcher->directories(tree), 1u);
}

TEST_F(Links, ARenamedParentOfAReferentIsNoticed) {
  fs::create_directories(ext("a/b/c"));
  link("l", ext("a/b/c"));
  watch();
  fs::rename(ext("a"), ext("z"));
  EXPECT_TRUE(told("l", kData));
  EXPECT_EQ(hidden(), Paths{"l"});
  fs::rename(ext("z"), ext("a"));
  EXPECT_TRUE(told("l", kTree));
  EXPECT_EQ(hidden(), Paths{});
  EXPECT_TRUE(follows("l", ext("a/b/c")));
}

TEST_F(Links, ALinkFollowsItsPlaceWhenItsDirectoryMoves) {
  fs::create_directories(src("d"));
  fs::create_directories(src("there"));
  fs::create_symlink("../there", src("d/l"));
  watch();
  EXPECT_TRUE(follows("d/l", src("there")));
  fs::create_directory(src("deeper"));
  fs::rename(src("d"), src("deeper/d"));
  EXPECT_EQ(hidden(), Paths{"deeper/d/l"}) << "a relative link: it dangles now";
  fs::rename(src("deeper/d"), src("d"));
  EXPECT_EQ(hidden(), Paths{});
  EXPECT_TRUE(follows("d/l", src("there")));
}

TEST_F(Links, LoopsAreLeftOutAndTerminate) {
  fs::create_directories(src("a/b"));
  fs::create_directory(ext("x"));
  fs::create_directory(ext("y"));
  link("self", ".");
  link("a/b/up", "..");
  link("a/b/top", src());
  link("x", ext("x"));
  fs::create_symlink("../y", ext("x/y"));
  fs::create_symlink("../x", ext("y/x"));
  watch();
  EXPECT_EQ(hidden(), (Paths{"a/b/top", "a/b/up", "self", "x/y/x"}));
  EXPECT_EQ(watcher->directories(tree), 5u);
  EXPECT_EQ(troubles.size(), 4u);
}

// Its steps have the same names then, and what they lead to is missing as before.
TEST_F(Links, OneThatLeadsNowhereNoticesADirectoryOfItsPathMadeAnew) {
  fs::create_directories(ext("M"));
  link("l", ext("M/f"));
  watch();
  fs::remove(ext("M"));
  fs::create_directory(ext("M"));
  settle();
  forget();
  write_file(ext("M/f"), "new");
  EXPECT_TRUE(told("l", kData));
  EXPECT_EQ(hidden(), Paths{});
}

// A release is put in place: the link and its bound lead through the same one.
TEST_F(Links, ABoundMayBeRepointedTogetherWithWhatLeadsThere) {
  for (const char* release : {"releases/1", "releases/2"})
    write_file(ext(release) / "images/f", release);
  fs::create_symlink("releases/1", ext("current"));
  link("images", ext("current/images"));
  TreeRules rules;
  rules.source = src();
  rules.follow_into = std::vector<std::string>{ext("current")};
  watch(rules);
  EXPECT_EQ(hidden(), Paths{});
  point_link(ext("current"), "releases/2");
  EXPECT_TRUE(told("images", kTree));
  EXPECT_EQ(hidden(), Paths{});
  EXPECT_TRUE(follows("images", ext("releases/2/images")));
  EXPECT_TRUE(troubles.empty());
}

TEST_F(Links, ALinkThatBecomesALoopIsComparedByItsDirectory) {
  fs::create_directory(ext("real"));
  fs::create_directory(src("d"));
  link("d/l", ext("real"));
  watch();
  forget();
  point_link(src("d/l"), src("d"));
  EXPECT_EQ(hidden(), Paths{"d/l"});
  EXPECT_TRUE(told("d", ChangeKind::children)) << text_of(changes);
  point_link(src("d/l"), ext("real"));
  EXPECT_EQ(hidden(), Paths{});
  EXPECT_TRUE(follows("d/l", ext("real")));
}

TEST_F(Links, TheSameDirectoryTwiceIsNoLoop) {
  fs::create_directories(src("real/sub"));
  link("one", "real");
  link("two", "real/sub");
  watch();
  EXPECT_EQ(hidden(), Paths{});
  EXPECT_EQ(watcher->directories(tree), 6u);
  EXPECT_TRUE(follows("one/sub", src("real/sub")));
  EXPECT_TRUE(follows("two", src("real/sub")));
}

TEST_F(Links, ALinkToWhatIsNoDirectoryLeadsNowhereBeyondIt) {
  write_file(ext("file"), "x");
  link("slash", ext("file").native() + "/");
  link("up", ext("file").native() + "/../file");
  watch();
  EXPECT_EQ(hidden(), (Paths{"slash", "up"})) << "for stat(2), and so for rsync, these dangle";
}

TEST_F(Links, PreservedLinksAreNotFollowed) {
  fs::create_directories(ext("real"));
  link("dir", ext("real"));
  link("dangling", "nowhere");
  link("self", ".");
  watch(Symlinks::preserve);
  EXPECT_EQ(watcher->directories(tree), 1u);
  EXPECT_EQ(watcher->followed_links(tree), 0u);
  EXPECT_EQ(hidden(), Paths{});
  EXPECT_FALSE(follows("dir", ext("real")));
  forget();
  point_link(src("dangling"), "elsewhere");
  EXPECT_TRUE(covers("dangling"));
  link("new", ext("real"));
  EXPECT_TRUE(told("new", kData));
  EXPECT_TRUE(created.empty()) << "a link is not open";
}

TEST_F(Links, ExternalOnesAloneAreFollowedWhereAskedSo) {
  fs::create_directories(src("in"));
  fs::create_directories(ext("out"));
  link("inner", "in");
  link("outer", "../ext/out");
  link("absolute", src("in"));
  watch(Symlinks::follow_external);
  EXPECT_TRUE(follows("outer", ext("out")));
  EXPECT_TRUE(follows("absolute", src("in")));
  EXPECT_FALSE(follows("inner", src("in")));
}

TEST_F(Links, LinksOutOfBoundsAreLeftOut) {
  fs::create_directories(ext("allowed/d"));
  fs::create_directories(ext("allowed2"));
  write_file(ext("secret"), "x");
  link("in", ext("allowed/d"));
  link("near", ext("allowed2"));
  link("out", ext("secret"));
  watch(TreeRules{src(), Symlinks::follow, SyncOn::close, std::nullopt,
                  std::vector<std::string>{ext("allowed")}});
  EXPECT_EQ(hidden(), (Paths{"near", "out"}));
  EXPECT_EQ(troubles.size(), 2u);
  EXPECT_TRUE(follows("in", ext("allowed/d")));
  forget();
  point_link(src("in"), ext("allowed2"));
  EXPECT_EQ(hidden(), (Paths{"in", "near", "out"}));
  EXPECT_TRUE(told("", ChangeKind::children)) << text_of(changes);
}

TEST_F(Links, WhatTheUserCannotReadIsPassedOver) {
  if (::geteuid() != 0 || !find_user("nobody")) GTEST_SKIP() << "root is needed to become nobody";
  write_file(ext("locked/f"), "x");
  test::change_mode(ext("locked"), 0700);
  write_file(ext("file"), "x");
  test::change_mode(ext("file"), 0600);
  fs::create_directory(src("private"));
  test::change_mode(src("private"), 0700);
  link("behind", ext("locked/f"));
  link("file", ext("file"));
  watch(TreeRules{src(), Symlinks::follow, SyncOn::close, find_user("nobody"), {}});
  auto unreadable = [&] {
    settle();
    return watcher->unreadable(tree);
  };
  EXPECT_EQ(unreadable(), (Paths{"behind", "file", "private"}));
  EXPECT_EQ(hidden(), Paths{});
  EXPECT_EQ(troubles.size(), 3u);
  test::change_mode(ext("locked"), 0755);
  test::change_mode(ext("file"), 0644);
  test::change_mode(src("private"), 0755);
  EXPECT_EQ(unreadable(), Paths{});
  EXPECT_TRUE(covers("behind"));
  EXPECT_TRUE(covers("file"));
  EXPECT_TRUE(told("private", kTree));
  test::change_mode(src("private"), 0744);
  EXPECT_EQ(unreadable(), Paths{"private"}) << "it can be listed, but nothing in it be looked at";
  test::change_mode(src("private"), 0755);
  EXPECT_EQ(unreadable(), Paths{});
  losses = 0;
  fs::create_directory(ext("new"));
  test::change_mode(ext("new"), 0700);
  fs::rename(ext("new"), src("new"));
  EXPECT_EQ(unreadable(), Paths{"new"});
  EXPECT_EQ(losses, 0) << "nobody has a copy of it";
  test::change_mode(src("private"), 0700);
  EXPECT_EQ(unreadable(), (Paths{"new", "private"}));
  EXPECT_EQ(losses, 1);
}

// As lost+found is, for whoever is not root.
TEST_F(Links, WhatStaysUnreadableDisturbsNoTransferAgain) {
  if (::geteuid() != 0 || !find_user("nobody")) GTEST_SKIP() << "root is needed to become nobody";
  fs::create_directory(src("private"));
  test::change_mode(src("private"), 0700);
  write_file(src("private/f"), "x");
  watch(TreeRules{src(), Symlinks::follow, SyncOn::close, find_user("nobody"), {}});
  EXPECT_EQ(losses, 1);
  watcher->restart(tree);
  settle();
  EXPECT_EQ(watcher->unreadable(tree), Paths{"private"});
  EXPECT_EQ(losses, 1) << "a transfer that runs knows of it";
  test::change_mode(src("private"), 0755);
  settle();
  test::change_mode(src("private"), 0700);
  settle();
  EXPECT_EQ(losses, 2) << "in between it could be read";
}

TEST_F(Links, WhatIsUnreadableIsTriedAgain) {
  if (::geteuid() != 0 || !find_user("nobody")) GTEST_SKIP() << "root is needed to become nobody";
  fs::create_directories(src("a/b"));
  write_file(src("a/b/f"), "x");
  test::change_mode(src("a"), 0700);
  watch(TreeRules{src(), Symlinks::follow, SyncOn::close, find_user("nobody"), {}});
  forget();
  watcher->retry_unreadable(tree);
  EXPECT_TRUE(quiet()) << test::text_of(changes);
  EXPECT_EQ(watcher->blindness(tree).unreadable, 1u);
  test::change_mode(src("a"), 0755);
  watcher->retry_unreadable(tree);
  EXPECT_TRUE(told("a", kTree)) << test::text_of(changes);
  EXPECT_EQ(watcher->blindness(tree).unreadable, 0u);
  EXPECT_EQ(watcher->directories(tree), 3u);
}

TEST_F(Links, ManyInOneDirectoryTakeManyTurnsOfTheLoop) {
  constexpr int kLinks = 2000;
  write_file(ext("f"), "x");
  fs::create_directory(src("many"));
  watch();
  for (int i = 0; i < kLinks; ++i) link("many/" + std::to_string(i), "../../ext/f");
  watcher->restart(tree);
  size_t most = 0;
  for (size_t before = 0; watcher->is_crawling(tree); before = watcher->followed_links(tree)) {
    loop.run_once(Duration::zero());
    most = std::max(most, watcher->followed_links(tree) - before);
  }
  EXPECT_EQ(watcher->followed_links(tree), kLinks);
  EXPECT_LE(most, 300u);
}

TEST_F(Links, OneThatChangesBeforeTheCrawlLooksAtIt) {
  fs::create_directories(ext("real"));
  fs::create_directory(src("many"));
  watch();
  for (int i = 0; i < 2000; ++i) link("many/" + std::to_string(i), "../../ext/real");
  watcher->restart(tree);
  loop.run_once(Duration::zero());  // listed, and hardly begun
  for (int i = 0; i < 2000; i += 2) fs::remove(src("many/" + std::to_string(i)));
  fs::create_directory(src("many/0"));
  settle();
  EXPECT_EQ(watcher->followed_links(tree), 1000u);
  EXPECT_EQ(watcher->directories(tree), 1003u);
  EXPECT_EQ(watcher->hidden(tree), Paths{});
}

TEST_F(Links, EachPinIsReleasedWithItsLink) {
  watch();
  size_t before = watcher->watches();
  fs::create_directories(ext("a/b/c"));
  for (int i = 0; i < 10; ++i) {
    link("l", ext("a/b/c"));
    link("m", ext("a/gone"));
    if (i % 2) settle();
    EXPECT_GE(watcher->watches(), before);
    fs::remove(src("l"));
    fs::remove(src("m"));
    if (i % 3) settle();
  }
  settle();
  EXPECT_EQ(watcher->watches(), before);
}

}  // namespace
}  // namespace mirrord
