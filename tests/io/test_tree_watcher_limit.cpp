// At the limit of watches. The real limit belongs to the whole machine, so a child process takes a
// user namespace of its own and lowers it there: /proc/sys/user/max_inotify_watches, namespaces(7).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "io/watched_tree.hpp"
#include "support/wait.hpp"

namespace mirrord {
namespace {

using test::write_file;
namespace fs = std::filesystem;

class WatchLimit : public testing::Test {
 protected:
  template <class Story>
  void with_limit(int watches, Story story) {
    uid_t uid = ::geteuid();
    pid_t pid = ::fork();
    if (pid == 0) ::_exit(run(uid, watches, story));
    ASSERT_TRUE(test::wait_until([&] { return ended(pid); })) << "the crawl does not end";
    if (status_ == 77 << 8) GTEST_SKIP() << "user namespaces are not allowed";
    EXPECT_EQ(status_, 0) << "the child has said why";
  }
  void TearDown() override {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
  }
  static bool set_limit(int watches) {
    std::ofstream file("/proc/sys/user/max_inotify_watches");
    return static_cast<bool>(file << watches << std::flush);
  }

 private:
  bool ended(pid_t pid) {
    child_ = ::waitpid(pid, &status_, WNOHANG) == pid ? -1 : pid;
    return child_ < 0;
  }
  template <class Story>
  static int run(uid_t uid, int watches, Story story) {
    if (::unshare(CLONE_NEWUSER) < 0) return 77;
    std::ofstream("/proc/self/uid_map") << "0 " << uid << " 1" << std::flush;
    if (::geteuid() != 0 || !set_limit(watches)) return 77;
    {
      test::WatchedTree tree;
      story(tree);
    }
    return testing::Test::HasFailure() ? 1 : 0;
  }
  pid_t child_ = -1;
  int status_ = 0;
};

TEST_F(WatchLimit, IsToldOnceAndWhatIsUnwatchedIsCounted) {
  with_limit(20, [](test::WatchedTree& t) {
    for (int i = 0; i < 50; ++i) fs::create_directory(t.src(std::to_string(i)));
    fs::create_directory_symlink(".", t.src("loop"));
    t.watch();
    EXPECT_EQ(t.state(), TreeState::watching);
    EXPECT_EQ(t.watcher->directories(t.tree), 51u);
    EXPECT_EQ(t.watcher->watches(), 20u);
    Blindness blindness = t.watcher->blindness(t.tree);
    EXPECT_GE(blindness.unwatched, 30u);
    EXPECT_EQ(blindness.error, ENOSPC);
    EXPECT_EQ(std::ranges::count(t.troubles, true, &Trouble::at_limit), 1);
    EXPECT_EQ(std::ranges::count(t.troubles, "loop", &Trouble::path), 1) << "that is no limit's";
    EXPECT_EQ(t.troubles.size(), 2u);
    EXPECT_FALSE(t.watcher->limit_was_raised(t.tree));
    for (int i = 0; i < 50; ++i) fs::remove(t.src(std::to_string(i)));
    t.settle();
    EXPECT_LT(t.watcher->watches(), 20u);
    EXPECT_FALSE(t.watcher->limit_was_raised(t.tree)) << "one that is free is soon taken";
    for (int i = 0; i < 50; ++i) fs::create_directory(t.src(std::to_string(i)));
    t.settle();
    set_limit(1000);
    EXPECT_TRUE(t.watcher->limit_was_raised(t.tree));
    t.watcher->restart(t.tree);
    t.settle();
    EXPECT_EQ(t.watcher->blindness(t.tree).unwatched, 0u);
  });
}

TEST_F(WatchLimit, MayBeAnsweredByARestart) {
  with_limit(20, [](test::WatchedTree& t) {
    for (int i = 0; i < 50; ++i) fs::create_directories(t.src(std::to_string(i)) / "below");
    t.when_troubled = [&t] {
      if (t.troubles.size() == 1) t.watcher->restart(t.tree);
    };
    t.watch();
    EXPECT_EQ(t.state(), TreeState::watching);
    EXPECT_EQ(t.watcher->directories(t.tree), 101u);
    EXPECT_EQ(t.troubles.size(), 2u) << "once a crawl";
  });
}

TEST_F(WatchLimit, DoesNotTurnLoopsIntoEndlessTrees) {
  // Two loops in a directory without a watch: 2^40 logical directories, were they followed.
  with_limit(5, [](test::WatchedTree& t) {
    for (int i = 0; i < 20; ++i) fs::create_directory(t.src(std::to_string(i)));
    for (const char* name : {"a", "b"})
      for (int i = 0; i < 20; ++i)
        fs::create_directory_symlink(".", t.src(std::to_string(i)) / name);
    t.watch();
    EXPECT_EQ(t.watcher->directories(t.tree), 21u);
    EXPECT_EQ(t.hidden().size(), 40u);
  });
}

}  // namespace
}  // namespace mirrord
