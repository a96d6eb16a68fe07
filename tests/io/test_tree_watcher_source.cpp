// The source's own path: missing, back, replaced, re-pointed, unmounted.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/watched_tree.hpp"

namespace mirrord {
namespace {

using test::point_link;
using test::text_of;
using test::write_file;
namespace fs = std::filesystem;

class SourcePath : public testing::Test, protected test::WatchedTree {
 protected:
  bool follows(const fs::path& physical_dir) {
    forget();
    write_file(physical_dir / "probe", "x");
    bool seen = covers("probe");
    fs::remove(physical_dir / "probe");
    settle();
    return seen;
  }
};

TEST_F(SourcePath, AMissingSourceIsAwaited) {
  watch(Symlinks::follow, "not/yet/there");
  EXPECT_EQ(states, std::vector{TreeState::missing});
  fs::create_directories(path("not/yet"));
  EXPECT_EQ(state(), TreeState::missing);
  fs::create_directory(path("not/yet/there"));
  EXPECT_EQ(state(), TreeState::watching);
  EXPECT_TRUE(follows(path("not/yet/there")));
}

TEST_F(SourcePath, ASourceThatIsRemovedComesBack) {
  write_file(src("d/f"), "x");
  watch();
  forget();
  fs::remove_all(src());
  EXPECT_EQ(state(), TreeState::missing);
  EXPECT_EQ(watcher->directories(tree), 0u);
  fs::create_directory(src());
  EXPECT_EQ(state(), TreeState::watching);
  EXPECT_TRUE(follows(src()));
}

TEST_F(SourcePath, ASourceThatIsRenamedAwayComesBack) {
  fs::create_directories(src("d"));
  watch();
  forget();
  fs::rename(src(), path("away"));
  EXPECT_EQ(state(), TreeState::missing);
  EXPECT_TRUE(changes.empty()) << "nothing below it was deleted:\n" << text_of(changes);
  fs::rename(path("away"), src());
  EXPECT_EQ(state(), TreeState::watching);
  EXPECT_TRUE(follows(src()));
}

TEST_F(SourcePath, ItsParentMayBeRenamed) {
  fs::create_directories(path("p/q/source"));
  watch(Symlinks::follow, "p/q/source");
  fs::rename(path("p"), path("z"));
  EXPECT_EQ(state(), TreeState::missing);
  fs::rename(path("z"), path("p"));
  EXPECT_EQ(state(), TreeState::watching);
  EXPECT_TRUE(follows(path("p/q/source")));
}

TEST_F(SourcePath, AParentMayBeMadeAnewWithItInside) {
  fs::create_directories(path("top/parent/source"));
  fs::create_directories(path("other/source"));
  watch(Symlinks::follow, "top/parent/source");
  fs::rename(path("top"), path("old"));
  fs::create_directory(path("top"));
  fs::rename(path("old/parent"), path("top/parent"));
  fs::remove(path("old"));
  EXPECT_EQ(state(), TreeState::watching);
  // Of which the source itself hears nothing.
  fs::rename(path("top/parent"), path("away"));
  fs::rename(path("other"), path("top/parent"));
  EXPECT_EQ(state(), TreeState::watching);
  EXPECT_TRUE(follows(path("top/parent/source")));
}

TEST_F(SourcePath, ReplacedByAnotherDirectoryItIsCrawledAfresh) {
  watch();
  fs::create_directory(path("fresh"));
  forget();
  fs::rename(src(), path("old"));
  fs::rename(path("fresh"), src());
  EXPECT_EQ(state(), TreeState::watching);
  EXPECT_FALSE(states.empty());
  EXPECT_TRUE(follows(src()));
  EXPECT_FALSE(follows(path("old")));
}

TEST_F(SourcePath, ReplacedByAFileItIsMissing) {
  watch();
  fs::remove(src());
  write_file(src(), "no directory");
  EXPECT_EQ(state(), TreeState::missing);
}

TEST_F(SourcePath, AFileInItsPlaceMayBeWritten) {
  watch();
  fs::remove(src());
  write_file(src(), "no directory\n");
  forget();
  test::append_file(src(), "nor now\n");
  test::change_mode(src(), 0600);
  EXPECT_TRUE(quiet());
  EXPECT_EQ(state(), TreeState::missing);
}

TEST_F(SourcePath, ThatCanBeListedAndNotSearchedIsMissing) {
  if (::geteuid() != 0 || !find_user("nobody")) GTEST_SKIP() << "root is needed to become nobody";
  test::change_mode(src(), 0744);
  watch(TreeRules{src(), Symlinks::follow, SyncOn::close, find_user("nobody"), {}});
  EXPECT_EQ(state(), TreeState::missing);
  test::change_mode(src(), 0755);
  EXPECT_EQ(state(), TreeState::watching);
  forget();
  write_file(src("f"), "x");
  EXPECT_TRUE(covers("f"));
}

TEST_F(SourcePath, ALinkAsSourceMayBeRePointed) {
  fs::create_directories(path("releases/1"));
  fs::create_directories(path("releases/2"));
  fs::create_symlink("releases/1", path("current"));
  watch(Symlinks::preserve, "current");
  EXPECT_EQ(watcher->resolved_source(tree), path("releases/1").native());
  EXPECT_TRUE(follows(path("releases/1")));
  forget();
  point_link(path("current"), "releases/2");
  EXPECT_EQ(state(), TreeState::watching);
  EXPECT_FALSE(states.empty()) << "told, so that it is compared";
  EXPECT_EQ(watcher->resolved_source(tree), path("releases/2").native());
  EXPECT_TRUE(follows(path("releases/2")));
  EXPECT_FALSE(follows(path("releases/1")));
}

TEST_F(SourcePath, ALinkAmongItsParentsMayBeRePointed) {
  fs::create_directories(path("a/source"));
  fs::create_directories(path("b/source"));
  fs::create_symlink("a", path("l"));
  watch(Symlinks::follow, "l/source");
  point_link(path("l"), "b");
  EXPECT_EQ(state(), TreeState::watching);
  EXPECT_TRUE(follows(path("b/source")));
  point_link(path("l"), "nowhere");
  EXPECT_EQ(state(), TreeState::missing);
}

TEST_F(SourcePath, StandsWhileItIsTheSameDirectory) {
  watch();
  EXPECT_TRUE(watcher->stands(tree));
  fs::rename(src(), path("away"));
  EXPECT_FALSE(watcher->stands(tree)) << "before any event was read";
  EXPECT_EQ(watcher->state(tree), TreeState::missing);
  fs::rename(path("away"), src());
  EXPECT_EQ(state(), TreeState::watching);
  EXPECT_TRUE(watcher->stands(tree));
  EXPECT_EQ(watcher->file_path(tree, "a/b"), src("a/b").native());
}

TEST_F(SourcePath, ChurnLeavesNoWatchBehind) {
  fs::create_directories(src("a/b"));
  watch();
  size_t before = watcher->watches();
  for (int i = 0; i < 10; ++i) {
    fs::rename(src(), path("away"));
    if (i % 2 == 0) settle();
    fs::rename(path("away"), src());
    if (i % 3 == 0) settle();
  }
  EXPECT_EQ(state(), TreeState::watching);
  EXPECT_EQ(watcher->watches(), before);
}

TEST_F(SourcePath, ProbesAsTheMirrorSees) {
  write_file(ext("real/f"), "x");
  fs::create_directory_symlink(ext("real"), src("dir"));
  fs::create_symlink("nowhere", src("dangling"));
  fs::create_symlink(".", src("loop"));
  write_file(src("file"), "x");
  watch();
  const std::pair<const char*, Entry> cases[] = {
      {"", Entry::directory},       {"dir", Entry::directory}, {"dir/f", Entry::other},
      {"dir/gone", Entry::missing}, {"file", Entry::other},    {"file/x", Entry::missing},
      {"dangling", Entry::missing}, {"loop", Entry::left_out},
  };
  for (const auto& [logical, entry] : cases)
    EXPECT_EQ(watcher->probe(tree, logical), entry) << logical;
}

/// Mounts need a namespace of our own, so that nobody else sees them: in a child process.
class Mounts : public testing::Test {
 protected:
  template <class Story>
  void in_own_namespace(Story story) {
    if (::geteuid() != 0) GTEST_SKIP() << "root is needed to mount";
    pid_t pid = ::fork();
    if (pid == 0) ::_exit(run(story));
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) GTEST_SKIP() << "mounting is not allowed";
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "the child has said why";
  }
  static bool mount_tmpfs(const fs::path& where) {
    return ::mount("tmpfs", where.c_str(), "tmpfs", 0, "size=1m") == 0;
  }
  static void unmount(const fs::path& where) { EXPECT_EQ(::umount2(where.c_str(), MNT_DETACH), 0); }

 private:
  template <class Story>
  static int run(Story story) {
    if (::unshare(CLONE_NEWNS) < 0) return 77;
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) return 77;
    {
      test::WatchedTree tree;
      if (!mount_tmpfs(tree.ext())) return 77;
      unmount(tree.ext());
      story(tree);
    }
    return testing::Test::HasFailure() ? 1 : 0;
  }
};

TEST_F(Mounts, AnUnmountedSourceIsMissingAndNothingWasDeleted) {
  in_own_namespace([](test::WatchedTree& t) {
    mount_tmpfs(t.src());
    write_file(t.src("f"), "x");
    t.watch();
    t.forget();
    unmount(t.src());
    EXPECT_EQ(t.state(), TreeState::missing);
    EXPECT_TRUE(t.changes.empty()) << text_of(t.changes);
    mount_tmpfs(t.src());
    EXPECT_EQ(t.state(), TreeState::missing) << "it is empty";
    write_file(t.src("f"), "x");
    EXPECT_EQ(t.state(), TreeState::watching);
  });
}

TEST_F(Mounts, ANestedMountThatVanishesIsPassedOver) {
  in_own_namespace([](test::WatchedTree& t) {
    fs::create_directories(t.src("m"));
    mount_tmpfs(t.src("m"));
    write_file(t.src("m/d/f"), "x");
    t.watch();
    t.forget();
    unmount(t.src("m"));
    EXPECT_TRUE(t.quiet()) << text_of(t.changes);
    EXPECT_EQ(t.watcher->unreadable(t.tree), std::vector<std::string>{"m"});
    mount_tmpfs(t.src("m"));
    t.settle();
    EXPECT_EQ(t.watcher->unreadable(t.tree), std::vector<std::string>{"m"}) << "it is empty";
    write_file(t.src("m/g"), "x");
    EXPECT_TRUE(t.covers("m/g"));
    EXPECT_EQ(t.watcher->unreadable(t.tree), std::vector<std::string>{});
    t.forget();
    write_file(t.src("m/h"), "x");
    EXPECT_TRUE(t.covers("m/h"));
    size_t watches = t.watcher->watches();
    fs::remove(t.src("m/g"));
    fs::remove(t.src("m/h"));
    EXPECT_TRUE(t.covers("m/h")) << "seen to be deleted";
    EXPECT_EQ(t.watcher->watches(), watches);
  });
}

TEST_F(Mounts, OneOverAnotherIsEnteredAndLeft) {
  in_own_namespace([](test::WatchedTree& t) {
    fs::create_directories(t.src("m"));
    mount_tmpfs(t.src("m"));
    write_file(t.src("m/below"), "x");
    t.watch();
    mount_tmpfs(t.src("m"));
    write_file(t.src("m/f"), "x");
    t.settle();
    t.forget();
    write_file(t.src("m/g"), "x");
    EXPECT_TRUE(t.covers("m/g"));
    unmount(t.src("m"));
    EXPECT_TRUE(t.covers("m/below"));
    t.forget();
    write_file(t.src("m/h"), "x");
    EXPECT_TRUE(t.covers("m/h"));
  });
}

TEST_F(Mounts, AChainOfLinksThroughOneThatVanishesIsPassedOver) {
  in_own_namespace([](test::WatchedTree& t) {
    mount_tmpfs(t.ext());
    write_file(t.path("real/f"), "x");
    fs::create_directory_symlink(t.path("real"), t.ext("current"));
    fs::create_directory_symlink(t.ext("current"), t.src("l"));
    t.watch();
    EXPECT_TRUE(t.watcher->mounts_that_matter().contains(t.ext()));
    t.forget();
    unmount(t.ext());
    EXPECT_TRUE(t.quiet()) << text_of(t.changes);
    EXPECT_EQ(t.watcher->unreadable(t.tree), std::vector<std::string>{"l"});
    mount_tmpfs(t.ext());
    fs::create_directory_symlink(t.path("real"), t.ext("current"));
    t.settle();
    EXPECT_EQ(t.watcher->unreadable(t.tree), std::vector<std::string>{});
  });
}

TEST_F(Mounts, AMountBehindALinkThatVanishesIsPassedOver) {
  in_own_namespace([](test::WatchedTree& t) {
    mount_tmpfs(t.ext());
    write_file(t.ext("d/f"), "x");
    fs::create_directory_symlink(t.ext("d"), t.src("dir"));
    fs::create_directory_symlink(t.ext(), t.src("top"));
    fs::create_symlink(t.ext("d/f"), t.src("file"));
    t.watch();
    t.forget();
    unmount(t.ext());
    EXPECT_TRUE(t.quiet()) << text_of(t.changes);
    EXPECT_EQ(t.watcher->unreadable(t.tree), (std::vector<std::string>{"dir", "file", "top"}));
    mount_tmpfs(t.ext());
    write_file(t.ext("d/f"), "x");
    t.settle();
    EXPECT_EQ(t.watcher->unreadable(t.tree), std::vector<std::string>{});
    t.forget();
    test::append_file(t.ext("d/f"), "y");
    for (const char* logical : {"dir/f", "file", "top/d/f"}) EXPECT_TRUE(t.covers(logical));
  });
}

}  // namespace
}  // namespace mirrord
