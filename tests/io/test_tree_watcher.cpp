// Directories and files without links, on the real kernel.
#include "io/tree_watcher.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <thread>
#include <utility>

#include "io/loop.hpp"
#include "io/watched_tree.hpp"

namespace mirrord {
namespace {

using test::text_of;
using test::write_file;
namespace fs = std::filesystem;

constexpr auto kAttributes = ChangeKind::attributes;
constexpr auto kData = ChangeKind::data;
constexpr auto kTree = ChangeKind::tree;

class Watcher : public testing::Test, protected test::WatchedTree {
 protected:
  size_t directories() {
    settle();
    return watcher->directories(tree);
  }
};

TEST_F(Watcher, IsWatchingAfterTheCrawl) {
  fs::create_directories(src("a/b/c"));
  write_file(src("a/f"), "x");
  watch();
  EXPECT_EQ(states, (std::vector{TreeState::crawling, TreeState::watching}));
  EXPECT_EQ(directories(), 4u);
  EXPECT_TRUE(quiet()) << "the crawl itself reports nothing";
}

TEST_F(Watcher, CountsTheEntriesThatItMeets) {
  fs::create_directories(src("a/b"));
  write_file(src("a/f"), "x");
  fs::create_directory_symlink("a", src("link"));
  watch();
  EXPECT_EQ(watcher->entries(tree), 6u) << "a, a/b, a/f, link, and what is behind it";
  watcher->restart(tree);
  settle();
  EXPECT_EQ(watcher->entries(tree), 6u) << "counted afresh";
}

TEST_F(Watcher, ReportsEachKindOfChangeOfAFile) {
  write_file(src("f"), "x");
  fs::create_directory(src("d"));
  watch();
  const struct {
    const char* name;
    std::function<void()> change;
    Change told;
  } cases[] = {
      {"write", [&] { test::append_file(src("f"), "y"); }, {"f", kData}},
      {"chmod", [&] { test::change_mode(src("f"), 0600); }, {"f", kAttributes}},
      {"rename away", [&] { fs::rename(src("f"), src("d/g")); }, {"f", kData}},
      {"rename in", [&] { fs::rename(src("d/g"), src("f")); }, {"f", kData}},
      {"hard link", [&] { fs::create_hard_link(src("f"), src("h")); }, {"h", kData}},
      {"delete", [&] { fs::remove(src("f")); }, {"f", kData}},
  };
  for (const auto& c : cases) {
    forget();
    c.change();
    EXPECT_TRUE(told(c.told.path, c.told.kind)) << c.name << ":\n" << text_of(changes);
  }
}

TEST_F(Watcher, ReportsEachKindOfChangeOfADirectory) {
  fs::create_directory(src("d"));
  watch();
  forget();
  test::change_mode(src("d"), 0700);
  EXPECT_TRUE(told("d", kAttributes));
  forget();
  test::change_mode(src(), 0711);
  EXPECT_TRUE(told("", kAttributes));
  forget();
  fs::rename(src("d"), src("e"));
  EXPECT_TRUE(told("d", kData));
  EXPECT_TRUE(told("e", kTree));
  forget();
  fs::remove(src("e"));
  EXPECT_TRUE(told("e", kData));
  EXPECT_EQ(directories(), 1u);
}

TEST_F(Watcher, AFileThatIsOpenIsNotYetAChange) {
  watch();
  Fd file(::open(src("f").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  settle();
  EXPECT_EQ(created, std::vector<std::string>{"f"});
  EXPECT_TRUE(changes.empty()) << text_of(changes);
  file.reset();
  EXPECT_TRUE(told("f", kData));
}

TEST_F(Watcher, WhatIsNoRegularFileIsAChangeAtOnce) {
  watch();
  ASSERT_EQ(::mkfifo(src("fifo").c_str(), 0600), 0);
  EXPECT_TRUE(told("fifo", kData));
  EXPECT_TRUE(created.empty());
}

TEST_F(Watcher, OpenFilesAreReportedWhereSyncOnIsModify) {
  watch(TreeRules{src(), Symlinks::follow, SyncOn::modify, std::nullopt, {}});
  Fd file(::open(src("log").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  EXPECT_TRUE(told("log", kData));
  forget();
  ASSERT_EQ(::write(file.get(), "x", 1), 1);
  EXPECT_TRUE(told("log", kData));
}

TEST_F(Watcher, NewNestedDirectoriesAreCoveredAtOnce) {
  watch();
  fs::create_directories(src("a/b/c"));
  write_file(src("a/b/c/f"), "x");
  EXPECT_TRUE(told("a", kTree));
  EXPECT_TRUE(covers("a/b/c/f"));
  EXPECT_EQ(directories(), 4u);
  forget();
  test::append_file(src("a/b/c/f"), "y");
  EXPECT_TRUE(told("a/b/c/f", kData));
}

TEST_F(Watcher, ADirectoryMovedInIsWatchedWithAllBelow) {
  fs::create_directories(ext("d/sub"));
  watch();
  fs::rename(ext("d"), src("d"));
  EXPECT_TRUE(told("d", kTree));
  forget();
  write_file(src("d/sub/f"), "x");
  EXPECT_TRUE(told("d/sub/f", kData));
  forget();
  fs::rename(src("d"), ext("d"));
  EXPECT_TRUE(told("d", kData));
  EXPECT_EQ(directories(), 1u);
  forget();
  write_file(ext("d/sub/g"), "x");
  EXPECT_TRUE(quiet()) << "what has left is watched no more:\n" << text_of(changes);
}

TEST_F(Watcher, FollowsARenamedDirectory) {
  fs::create_directories(src("old/sub"));
  watch();
  fs::rename(src("old"), src("new"));
  forget();
  write_file(src("new/sub/f"), "x");
  EXPECT_TRUE(told("new/sub/f", kData));
  EXPECT_FALSE(covers("old/sub/f"));
}

TEST_F(Watcher, DirectoriesThatAreExchangedAreWatched) {
  fs::create_directories(src("a/old"));
  fs::create_directories(src("b/c/deep"));
  watch();
  forget();
  if (!test::exchange(src("a"), src("b/c"))) GTEST_SKIP() << "the kernel exchanges nothing";
  EXPECT_TRUE(covers("a") && covers("b/c")) << text_of(changes);
  EXPECT_EQ(directories(), 6u);
  forget();
  write_file(src("a/deep/f"), "1");
  write_file(src("b/c/old/f"), "1");
  EXPECT_TRUE(told("a/deep/f", kData)) << text_of(changes);
  EXPECT_TRUE(told("b/c/old/f", kData)) << text_of(changes);
}

TEST_F(Watcher, ADirectoryReplacedByANewOneIsWatchedAfresh) {
  fs::create_directory(src("d"));
  watch();
  fs::remove(src("d"));
  fs::create_directory(src("d"));
  forget();
  write_file(src("d/f"), "x");
  EXPECT_TRUE(told("d/f", kData));
  EXPECT_EQ(directories(), 2u);
}

TEST_F(Watcher, ADirectoryReplacedByAFileAndBack) {
  fs::create_directory(src("x"));
  watch();
  fs::remove(src("x"));
  write_file(src("x"), "file");
  EXPECT_TRUE(covers("x"));
  EXPECT_EQ(directories(), 1u);
  fs::remove(src("x"));
  fs::create_directory(src("x"));
  forget();
  write_file(src("x/f"), "x");
  EXPECT_TRUE(told("x/f", kData));
}

TEST_F(Watcher, CarriesAnyName) {
  const std::string names[] = {"new\nline", "\xff\xfe", " ", "-x", "a*b", std::string(255, 'n')};
  watch();
  for (const std::string& name : names) {
    fs::create_directory(src(name));
    settle();
    write_file(src(name) / name, "x");
    EXPECT_TRUE(told(name + '/' + name, kData)) << text_of(changes);
  }
}

TEST_F(Watcher, AWatchPerDirectoryWhateverHappened) {
  fs::create_directories(src("a/b"));
  watch();
  size_t before = watcher->watches();
  for (int i = 0; i < 20; ++i) {
    fs::rename(src("a"), ext("a"));
    if (i % 2 == 0) settle();
    fs::create_directories(ext("a/b/c"));
    fs::rename(ext("a"), src("a"));
    if (i % 3 == 0) settle();
    fs::remove(src("a/b/c"));
    fs::create_directory(src("z"));
    fs::remove(src("z"));
  }
  settle();
  EXPECT_EQ(directories(), 3u);
  EXPECT_EQ(watcher->watches(), before);
}

TEST_F(Watcher, ManyDirectoriesAtOnce) {
  watch();
  for (int i = 0; i < 1000; ++i) fs::create_directories(src(std::to_string(i)) / "sub");
  EXPECT_EQ(directories(), 2001u);
  forget();
  fs::remove_all(src());
  EXPECT_EQ(state(), TreeState::missing);
}

TEST_F(Watcher, TwoTreesOfOneSourceShareWatches) {
  fs::create_directories(src("a/b"));
  watch();
  size_t before = watcher->watches();
  TreeId second = watcher->add({src(), Symlinks::preserve, SyncOn::close, std::nullopt, {}});
  settle();
  EXPECT_EQ(watcher->watches(), before);
  EXPECT_EQ(watcher->directories(second), 3u);
  forget();
  write_file(src("a/b/f"), "x");
  settle();
  EXPECT_EQ(std::ranges::count(changes, Change{"a/b/f", kData}), 2) << "once for each";
  watcher->remove(second);
  EXPECT_EQ(watcher->watches(), before);
  forget();
  write_file(src("a/b/g"), "x");
  EXPECT_TRUE(told("a/b/g", kData)) << "the first goes on";
  watcher->remove(tree);
  EXPECT_EQ(watcher->watches(), 0u);
}

TEST_F(Watcher, ARestartCrawlsAgain) {
  fs::create_directories(src("a/b"));
  watch();
  size_t before = watcher->watches();
  forget();
  watcher->restart(tree);
  settle();
  EXPECT_EQ(states, (std::vector{TreeState::crawling, TreeState::watching}));
  EXPECT_EQ(watcher->watches(), before);
  write_file(src("a/b/f"), "x");
  EXPECT_TRUE(told("a/b/f", kData));
}

TEST_F(Watcher, MayBeRestartedDuringTheCrawl) {
  for (int i = 0; i < 600; ++i) fs::create_directory(src(std::to_string(i)));
  watch();
  watcher->restart(tree);
  loop.run_once(Duration(0));
  watcher->restart(tree);
  EXPECT_EQ(state(), TreeState::watching);
  EXPECT_EQ(directories(), 601u);
}

TEST_F(Watcher, MayBeRestartedByWhatItTellsDuringTheCrawl) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can look as another user";
  constexpr int kMany = 50;  // that are read together
  for (int i = 0; i < kMany; ++i) {
    fs::create_directory(src(std::to_string(i)));
    fs::create_directory(ext(std::to_string(i)));
  }
  test::change_mode(src("25"), 0700);
  TreeRules rules{src(), Symlinks::follow, SyncOn::close, User{}, {}};
  rules.user->uid = rules.user->gid = 65534;
  watch(Symlinks::follow, "ext");
  const TreeId other = std::exchange(tree, watcher->add(rules));
  watcher->restart(other);
  when_troubled = [this] {
    if (troubles.size() == 1) watcher->restart(tree);
  };
  EXPECT_EQ(state(), TreeState::watching);
  EXPECT_EQ(troubles.size(), 2u) << "once a crawl";
  EXPECT_EQ(watcher->directories(tree), kMany + 1u);
  EXPECT_EQ(watcher->directories(other), kMany + 1u);
  for (const fs::path& top : {src(), ext()}) {
    forget();
    for (int i = 0; i < kMany; ++i) write_file(top / std::to_string(i) / "f", "x");
    settle();
    EXPECT_EQ(changes.size(), top == src() ? kMany - 1u : kMany) << text_of(changes);
  }
}

/// Of this thread alone, seccomp(2).
bool let_listings_fail(int error) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getdents64, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{std::size(program), program};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST_F(Watcher, TellsOfADirectoryThatCannotBeReadToItsEnd) {
  bool can_try = false;
  std::thread([&] {
    can_try = let_listings_fail(EIO);
    if (!can_try) return;
    Loop own;
    watcher = std::make_unique<TreeWatcher>(own, listener());
    tree = watcher->add({src(), Symlinks::follow, SyncOn::close, std::nullopt, {}});
    test::settle(own);
    EXPECT_EQ(watcher->state(tree), TreeState::watching);
    write_file(src("f"), "x");
    test::settle(own);
    watcher.reset();
  }).join();
  if (!can_try) GTEST_SKIP() << "no filter of system calls is allowed";
  ASSERT_EQ(troubles.size(), 1u);
  EXPECT_NE(troubles[0].reason.find("to its end"), std::string::npos) << troubles[0].reason;
  EXPECT_TRUE(told("f", kData)) << "it is watched all the same:\n" << text_of(changes);
}

TEST_F(Watcher, InABurstEventsGatherAndNoneIsLost) {
  constexpr int kFiles = 2000;
  for (int i = 0; i < kFiles; ++i) write_file(src(std::to_string(i)), "x");
  watch();
  forget();
  changes.reserve(kFiles);
  const auto seen = [&](int i) {
    return !changes.empty() && changes.back().path == std::to_string(i);
  };
  for (int i = 0; i < kFiles; ++i) {
    ::chmod(src(std::to_string(i)).c_str(), 0600);
    loop.run_once(Duration(0));
  }
  EXPECT_TRUE(test::run_until(loop, [&] { return seen(kFiles - 1); }));
  EXPECT_EQ(changes.size(), static_cast<size_t>(kFiles));
  for (int i = 0; i < 3; ++i) {  // one by one: the first may still be read after the last rest
    ::chmod(src(std::to_string(i)).c_str(), 0640);
    EXPECT_TRUE(test::run_until(loop, [&] { return seen(i); })) << "it listens again";
  }
}

}  // namespace
}  // namespace mirrord
