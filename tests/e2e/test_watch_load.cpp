// Large trees: nothing falls between what is watched and what is listed, watches are shared, and
// the daemon answers meanwhile.
#include <signal.h>

#include <algorithm>
#include <iostream>

#include "e2e/watch_lab.hpp"

namespace mirrord::test {
namespace {

constexpr int kTops = 15;
constexpr int kMiddles = 10;
constexpr int kLeaves = 13;  // 2,115 directories

class NoGap : public WatchLab {
 protected:
  fs::path dir_number(const fs::path& top, int i) const {
    return top / ("top" + std::to_string(i % kTops)) /
           ("m" + std::to_string(i / kTops % kMiddles)) /
           ("leaf" + std::to_string(i / kTops / kMiddles));
  }

  void make_tree(const fs::path& top) const {
    for (int i = 0; i < kTops * kMiddles * kLeaves; ++i)
      write_file(dir_number(top, i) / "file", std::to_string(i));
  }

  void make_directories_in_source() const {
    Arguments command{"mkdir", "-p"};
    for (int i = 0; i < kTops * kMiddles * kLeaves; ++i)
      command.push_back(dir_number(source / "tree", i));
    run_ok(command);
  }

  /// `make` puts source/tree there while the daemon runs.
  template <class Make>
  void complete_after(Make make) {
    begin();
    ASSERT_TRUE(both_become("idle"));
    const size_t full_syncs = logged("full sync");
    make();
    ASSERT_TRUE(equal("the tree", {.limit = kLong}));
    for (int i = 0; i < kTops * kMiddles * kLeaves; i += 97)
      write_file(dir_number(source / "tree", i) / "later", "later\n");
    ASSERT_TRUE(equal("a change in many of its directories", {.limit = kLong}));
    EXPECT_EQ(full_syncs, logged("full sync")) << "it took a comparison of everything";
    EXPECT_EQ(0u, logged("overflowed"));
  }
};

TEST_F(NoGap, MkdirP) {
  complete_after([&] { make_directories_in_source(); });
}

TEST_F(NoGap, CpR) {
  make_tree(dir / "template");
  complete_after([&] { run_ok({"cp", "-r", dir / "template", source / "tree"}); });
}

TEST_F(NoGap, TarX) {
  make_tree(dir / "template/tree");
  run_ok({"tar", "-C", dir / "template", "-cf", dir / "tree.tar", "tree"});
  complete_after([&] { run_ok({"tar", "-C", source, "-xf", dir / "tree.tar"}); });
}

TEST_F(NoGap, GitCheckout) {
  if (!find_program("git")) GTEST_SKIP() << "git is not installed";
  const fs::path work = source / "tree";
  const auto git = [&](Arguments arguments) {
    Arguments command{"git",         "--git-dir", dir / "repository", "--work-tree", work, "-c",
                      "user.name=t", "-c",        "user.email=t@t"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const Finished finished = run(command, {}, kLong);
    ASSERT_EQ(0, finished.status) << finished.err;
  };
  run_ok({"git", "init", "-q", "--bare", dir / "repository"});
  write_file(work / "only-in-one", "one\n");
  git({"-C", work, "add", "."});
  git({"commit", "-qm", "one"});
  make_tree(work);
  fs::remove(work / "only-in-one");
  git({"-C", work, "add", "-A", "."});
  git({"commit", "-qm", "two"});
  git({"-C", work, "checkout", "-q", "HEAD~1"});
  complete_after([&] { git({"-C", work, "checkout", "-q", "-"}); });
  const size_t full_syncs = logged("full sync");
  git({"-C", work, "checkout", "-q", "HEAD~1"});
  ASSERT_TRUE(equal("and back", {.limit = kLong}));
  EXPECT_EQ(full_syncs, logged("full sync"));
}

TEST_F(NoGap, MovedInAndWrittenToAtOnce) {
  make_tree(dir / "template");
  complete_after([&] {
    fs::rename(dir / "template", source / "tree");
    for (int i = 0; i < kTops * kMiddles * kLeaves; i += 31)
      write_file(dir_number(source / "tree", i) / "new/file", "written during the crawl\n");
  });
}

class WatchShared : public WatchLab {
 protected:
  void reload() {
    const BusError error = client().call(manager_object(), "Reload", "");
    ASSERT_TRUE(error.name.empty()) << error.message;
  }
};

TEST_F(WatchShared, GroupsOnOneSourceShareWatches) {
  for (int i = 0; i < 50; ++i) write_file(source / "many" / std::to_string(i) / "file", "file\n");
  configure(web());
  start();
  ASSERT_TRUE(equal("first sync"));
  const size_t alone = watches();
  EXPECT_GE(alone, 50u);

  configure({.targets = {ssh_target("same1")}, .settings = "delay = \"0s\"\n", .name = "same"});
  configure(
      {.targets = {ssh_target("mod1")}, .settings = "sync_on = \"modify\"\n", .name = "modify"});
  configure({.targets = {ssh_target("pre1")},
             .settings = "symlinks = \"preserve\"\n",
             .name = "preserves"});
  configure({.targets = {ssh_target("sub1")}, .name = "below", .source = source / "many"});
  reload();
  ASSERT_TRUE(arrives("links preserved", {"pre1"}, {.links = Links::preserve}));
  ASSERT_TRUE(arrives("the same rules, and others", {"same1", "mod1"}));
  ASSERT_TRUE(holds(copy("sub1") / "49/file", "file\n"));
  ASSERT_TRUE(becomes("below", "watching", kPatience));
  EXPECT_EQ(alone, watches());

  write_file(source / "many/7/new", "new\n");
  write_file(images / "new.png", "new\n");
  ASSERT_TRUE(equal("one change for all"));
  ASSERT_TRUE(arrives("links preserved", {"pre1"}, {.links = Links::preserve}));
  ASSERT_TRUE(arrives("the same rules, and others", {"same1", "mod1"}));
  ASSERT_TRUE(holds(copy("sub1") / "7/new", "new\n"));

  for (const auto* name : {"same", "modify", "preserves", "below"})
    fs::remove(config_dir() / (std::string(name) + ".toml"));
  reload();
  write_file(source / "many/8/new", "new\n");
  ASSERT_TRUE(equal("the others gone"));
  EXPECT_EQ(alone, watches());
}

class LargeTree : public WatchLab {
 protected:
  static constexpr int kDirectories = 20'000;

  void SetUp() override {
    // A disk takes longer to remove such a tree than all the rest of the test takes.
    if (own_mounts()) mount_tmpfs(dir.path(), "1g");
    WatchLab::SetUp();
    if (IsSkipped()) return;
    for (int i = 0; i < kDirectories; ++i)
      fs::create_directories(images / std::to_string(i % 100) / std::to_string(i));
    configure(web());
  }

  /// Started and on the bus, not yet ready.
  void start_crawling() {
    const std::string address = bus().address();
    client();
    daemon = std::make_unique<Mirrord>(
        dir, Mirrord::Options{.config_dir = config_dir(), .bus = address});
    ASSERT_TRUE(wait_until([&] { return group_state() == "crawling"; })) << group_state();
  }

  /// By rsync alone: a snapshot of so many directories takes a sanitizer build too long.
  testing::AssertionResult equal_by_rsync(const std::string& what) {
    std::string lines;
    const auto none_differs = [&] {
      lines.clear();
      // To rsync alone a link that dangles is an error.
      const bool dangles = !fs::exists(source / "images");
      const Arguments options = dangles ? Arguments{"--exclude=/images"} : Arguments{};
      for (const auto& target : both) {
        lines += rsync_drift(source, copy(target), Links::follow, options);
        if (dangles && fs::exists(copy(target) / "images")) lines += target + " has images\n";
      }
      return lines.empty();
    };
    if (wait_until(none_differs, kLong)) return testing::AssertionSuccess();
    return testing::AssertionFailure() << what << ": rsync finds\n" << lines.substr(0, 2000);
  }

  std::string group_state() {
    try {
      return client().text(group_object("web"), "State");
    } catch (const std::exception& not_there_yet) {
      return not_there_yet.what();
    }
  }
};

TEST_F(LargeTree, TheBusAnswersDuringTheCrawl) {
  start_crawling();
  milliseconds longest{0};
  size_t answers = 0;
  const auto crawled = [&] {
    const Stopwatch watch;
    const std::string state = group_state();
    longest = std::max(longest, watch.elapsed());
    if (state == "crawling") ++answers;
    return state == "watching";
  };
  ASSERT_TRUE(wait_until(crawled, kLong));
  std::cout << "  " << answers << " answers, the slowest after " << longest.count() << " ms"
            << std::endl;
  EXPECT_GT(answers, 3u);
  EXPECT_LT(longest, milliseconds(1000));

  ASSERT_TRUE(equal_by_rsync("first sync"));
}

TEST_F(LargeTree, TheBusAnswersWhileATreeIsMovedIn) {
  fs::rename(images, dir / "images");
  start();
  ASSERT_TRUE(equal_by_rsync("first sync"));
  fs::rename(dir / "images", images);
  milliseconds longest{0};
  const auto crawled = [&] {
    const Stopwatch watch;
    const auto directories = client().number(group_object("web"), "WatchedDirectories");
    longest = std::max(longest, watch.elapsed());
    return directories >= kDirectories;
  };
  ASSERT_TRUE(wait_until(crawled, kLong));
  std::cout << "  the slowest answer after " << longest.count() << " ms" << std::endl;
  EXPECT_LT(longest, milliseconds(1000));
  ASSERT_TRUE(equal_by_rsync("a large tree moved in"));
}

TEST_F(LargeTree, MovedOutItDoesNotFloodTheQueueItself) {
  // Each watch that is dropped makes an IN_IGNORED of its own, inotify(7).
  start();
  ASSERT_TRUE(becomes("web", "watching", kLong));
  fs::rename(images, dir / "images");
  ASSERT_TRUE(wait_until(
      [&] { return client().number(group_object("web"), "WatchedDirectories") < 100; }, kLong));
  write_file(source / "marker", "made after it\n");
  ASSERT_TRUE(holds(copy("tgt1") / "marker", "made after it\n"));
  EXPECT_EQ(0u, logged("overflowed"));
  ASSERT_TRUE(equal_by_rsync("a large tree moved out"));
}

TEST_F(LargeTree, TermEndsItDuringTheCrawl) {
  start_crawling();
  const Stopwatch watch;
  EXPECT_EQ(0, daemon->terminate());
  std::cout << "  ended after " << watch.elapsed().count() << " ms\n";
  EXPECT_LT(watch.elapsed(), milliseconds(5000));  // sanitizers and a busy machine included
  start_crawling();
}

}  // namespace
}  // namespace mirrord::test
