// While no descriptor is free: what is met then is looked at when there is one, and what is known
// stays known.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include <algorithm>

#include "io/loop.hpp"
#include "io/watched_tree.hpp"
#include "support/resource_limit.hpp"

namespace mirrord {
namespace {

using test::write_file;
namespace fs = std::filesystem;

class NoDescriptor : public testing::Test, protected test::WatchedTree {
 protected:
  struct Limit : test::ResourceLimit {
    Limit() : ResourceLimit(RLIMIT_NOFILE, test::kNoMoreDescriptors) {}
  };

  bool comes_to_rest() {
    return test::run_until(loop, [&] { return !watcher->is_crawling(tree); });
  }
};

TEST_F(NoDescriptor, ADirectoryIsWatchedWhenThereIsOne) {
  watch();
  fs::create_directories(src("new/deep"));
  {
    const Limit limit;
    settle();
    EXPECT_TRUE(watcher->waits_for_descriptor(tree));
    EXPECT_TRUE(hidden().empty());
    EXPECT_TRUE(watcher->unreadable(tree).empty()) << "nobody said that it cannot be read";
    EXPECT_EQ(troubles.size(), 1u) << "it is told";
  }
  ASSERT_TRUE(comes_to_rest());
  EXPECT_FALSE(watcher->waits_for_descriptor(tree));
  forget();
  write_file(src("new/deep/file"), "x");
  EXPECT_TRUE(covers("new/deep/file"));
}

TEST_F(NoDescriptor, ASourceIsWatchedWhenThereIsOne) {
  write_file(src("a/b/file"), "x");
  watch();
  {
    const Limit limit;
    watcher->restart(tree);
    settle();
    EXPECT_EQ(state(), TreeState::crawling) << "it is not missing";
  }
  ASSERT_TRUE(comes_to_rest());
  EXPECT_EQ(state(), TreeState::watching);
  forget();
  write_file(src("a/b/file"), "y");
  EXPECT_TRUE(covers("a/b/file"));
}

TEST_F(NoDescriptor, ALinkIsFollowedAndItsStepsAreSeen) {
  write_file(ext("dir/file"), "x");
  write_file(ext("other/file"), "y");
  fs::create_directory_symlink(ext("dir"), ext("step"));
  watch();
  fs::create_directory_symlink(ext("step"), src("link"));
  fs::create_symlink(ext("dir/file"), src("file"));
  {
    const Limit limit;
    settle();
    EXPECT_TRUE(hidden().empty());
  }
  ASSERT_TRUE(comes_to_rest());
  forget();
  test::point_link(ext("step"), ext("other"));
  EXPECT_TRUE(covers("link/file"));
  forget();
  write_file(ext("dir/file"), "z");
  EXPECT_TRUE(covers("file"));
}

TEST_F(NoDescriptor, NoMountIsTakenForLost) {
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    GTEST_SKIP() << "no mounts of our own here";
  write_file(src("a/file"), "x");
  watch();
  fs::create_directory(path("elsewhere"));
  forget();
  {
    const Limit limit;
    ASSERT_EQ(0, ::mount("tmpfs", path("elsewhere").c_str(), "tmpfs", 0, nullptr));
    settle();
  }
  settle();
  EXPECT_EQ(state(), TreeState::watching);
  EXPECT_TRUE(states.empty()) << "nothing has happened to the source";
  write_file(src("a/file"), "y");
  EXPECT_TRUE(covers("a/file"));
  ::umount2(path("elsewhere").c_str(), MNT_DETACH);
}

}  // namespace
}  // namespace mirrord
