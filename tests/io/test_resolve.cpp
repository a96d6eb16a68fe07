#include "io/resolve.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/fs_identity.hpp"
#include "support/files.hpp"

namespace mirrord {
namespace {

using End = Resolution::End;
using Step = Resolution::Step;
using test::TempDir;
using test::write_file;
namespace fs = std::filesystem;

class Resolve : public testing::Test {
 protected:
  Resolve() {
    fs::create_directories(dir / "a/b");
    write_file(dir / "a/file", "x");
    base = fs::canonical(dir.path());
  }
  Resolution in_dir(const std::string& path) const { return resolve(base, path); }
  void link(const std::string& name, const std::string& destination) const {
    fs::create_symlink(destination, dir / name);
  }
  std::string below(const std::string& path) const { return base + '/' + path; }
  static struct stat status(const std::string& path) {
    struct stat st {};
    EXPECT_EQ(::stat(path.c_str(), &st), 0);
    return st;
  }

  TempDir dir;
  std::string base;
};

TEST_F(Resolve, NamesEachStep) {
  Resolution found = in_dir("a/b");
  EXPECT_EQ(found.end, End::directory);
  EXPECT_EQ(found.path, below("a/b"));
  EXPECT_EQ(found.identity.device, status(below("a/b")).st_dev);
  EXPECT_EQ(found.identity.inode, status(below("a/b")).st_ino);
  EXPECT_EQ(found.steps, (std::vector<Step>{{base, "a"}, {below("a"), "b"}}));
}

// Nothing is there: asked, it would be known to be missing.
TEST_F(Resolve, ARemoteFileSystemIsNotAsked) {
  const Mounts mounts{{"/", {"1", "ext4"}}, {below("a/b"), {"2", "nfs4"}}};
  link("short", "a/b/deep");
  EXPECT_EQ(place_of(below("short/er"), mounts), below("a/b/deep/er"));
  EXPECT_EQ(place_of(below("a/b"), mounts), below("a/b"));
  EXPECT_EQ(place_of(below("a/c/d"), mounts), below("a/c"));
}

TEST_F(Resolve, ADirectoryThatIsMadeAgainIsAnotherOne) {
  // Its number may well be the same.
  const Identity before = in_dir("a/b").identity;
  if (before.generation == 0) GTEST_SKIP() << "the file system has no file handles";
  EXPECT_EQ(in_dir("a/b").identity, before);
  fs::remove(dir / "a/b");
  fs::create_directory(dir / "a/b");
  EXPECT_NE(in_dir("a/b").identity, before);
}

TEST_F(Resolve, AnAbsolutePathStartsAtTheRoot) {
  Resolution found = resolve("/nowhere", below("a/file"));
  EXPECT_EQ(found.end, End::file);
  EXPECT_EQ(found.path, below("a/file"));
  ASSERT_GE(found.steps.size(), 2u);
  EXPECT_EQ(found.steps.front().directory, "/");
  EXPECT_EQ(found.steps.back(), (Step{below("a"), "file"}));
}

TEST_F(Resolve, TheRootHasNoSteps) {
  Resolution found = resolve("/", "/");
  EXPECT_EQ(found.end, End::directory);
  EXPECT_EQ(found.path, "/");
  EXPECT_TRUE(found.steps.empty());
}

TEST_F(Resolve, FollowsChainsOfLinks) {
  link("one", "a/../two");
  link("two", below("three"));
  link("three", "./a//b/");
  Resolution found = in_dir("one");
  EXPECT_EQ(found.end, End::directory);
  EXPECT_EQ(found.path, below("a/b"));
  for (const Step& step : {Step{base, "one"}, Step{base, "a"}, Step{base, "two"},
                           Step{base, "three"}, Step{below("a"), "b"}})
    EXPECT_EQ(std::count(found.steps.begin(), found.steps.end(), step), step.name == "a" ? 2 : 1)
        << step.name;
}

TEST_F(Resolve, DotDotIsThatOfThePlaceThatALinkLedTo) {
  fs::create_directories(dir / "far/away");
  write_file(dir / "far/treasure", "x");
  link("a/jump", "../far/away");
  EXPECT_EQ(in_dir("a/jump/../treasure").path, below("far/treasure"));
  EXPECT_EQ(resolve("/", "/../..").path, "/") << "the root's parent is the root";
}

TEST_F(Resolve, EndsAtTheFirstMissingStep) {
  Resolution found = in_dir("a/gone/x");
  EXPECT_EQ(found.end, End::missing);
  EXPECT_EQ(found.path, "");
  EXPECT_EQ(found.steps, (std::vector<Step>{{base, "a"}, {below("a"), "gone"}}));
  link("dangling", "a/gone");
  EXPECT_EQ(in_dir("dangling").end, End::missing);
  EXPECT_EQ(in_dir("dangling").steps.back(), (Step{below("a"), "gone"}));
}

TEST_F(Resolve, AFileIsNoDirectoryOnTheWay) {
  // As the kernel sees it: ENOTDIR, for stat(2) and for rsync.
  for (const char* path : {"a/file/x", "a/file/", "a/file/.", "a/file/..", "a/file/../b"}) {
    struct stat st {};
    ASSERT_EQ(::stat(below(path).c_str(), &st), -1) << path;
    EXPECT_EQ(in_dir(path).end, End::missing) << path;
    fs::remove(dir / "l");
    link("l", path);
    EXPECT_EQ(in_dir("l").end, End::missing) << "a link to " << path;
  }
}

TEST_F(Resolve, ALoopOfLinksLeadsNowhere) {
  link("self", "self");
  link("ping", "pong");
  link("pong", "ping");
  EXPECT_EQ(in_dir("self").end, End::missing);
  EXPECT_EQ(in_dir("ping/x").end, End::missing);
}

TEST_F(Resolve, FollowsAsManyLinksAsTheKernel) {
  std::string previous = "a/file";
  for (int i = 1; i <= 41; ++i) {
    link("l" + std::to_string(i), previous);
    previous = "l" + std::to_string(i);
  }
  struct stat st {};
  EXPECT_EQ(in_dir("l40").end == End::file, ::stat(below("l40").c_str(), &st) == 0);
  EXPECT_EQ(in_dir("l41").end == End::file, ::stat(below("l41").c_str(), &st) == 0);
}

TEST_F(Resolve, KnowsWhatIsNoDirectoryFromWhatIsNoRegularFile) {
  ASSERT_EQ(::mkfifo(below("fifo").c_str(), 0600), 0);
  EXPECT_EQ(in_dir("fifo").end, End::file);
  EXPECT_FALSE(in_dir("fifo").regular);
  EXPECT_TRUE(in_dir("a/file").regular);
}

TEST_F(Resolve, KnowsDeniedFromMissing) {
  auto nobody = find_user("nobody");
  if (::geteuid() != 0 || !nobody) GTEST_SKIP() << "root is needed to become nobody";
  fs::create_directories(dir / "locked/inside");
  test::change_mode(dir / "locked", 0700);
  FsIdentity eyes(nobody);
  Resolution found = in_dir("locked/inside");
  EXPECT_EQ(found.end, End::denied);
  EXPECT_EQ(found.steps.back(), (Step{below("locked"), "inside"}));
  EXPECT_EQ(in_dir("locked").end, End::directory) << "it may be looked at, if not into";
}

TEST_F(Resolve, CarriesAnyName) {
  for (const char* name : {"new\nline", "\xff\xfe", " ", "-x", "a*b"}) {
    write_file(dir / name, "x");
    EXPECT_EQ(in_dir(name).path, below(name));
  }
}

}  // namespace
}  // namespace mirrord
