// The filters that hide links from rsync, with names that are patterns themselves.
#include <gtest/gtest.h>

#include "core/transfers.hpp"
#include "io/rsync_run.hpp"

namespace mirrord {
namespace {

using test::in_lane;
using test::Mirror;
using test::write_file;
namespace fs = std::filesystem;

struct Case {
  const char* hidden;
  const char* sibling;  ///< what the name would match, were it a pattern
};

const Case kCases[] = {
    {"plain", "plain2"},  {"a*b", "axb"},
    {"a**b", "axxb"},     {"a?b", "axb"},
    {"a[x]b", "axb"},     {"a[b", "a"},
    {"a]b", "ab"},        {"a\\b", "ab"},
    {"a\\*b", "a\\xb"},   {"a\\[x]b", "a\\xb"},
    {"new\nline", "new"}, {" x", "x"},
    {"x ", "x"},          {"# x", "x"},
    {"; x", "x"},         {"+ x", "x"},
    {"- x", "x"},         {"!", "x"},
    {"\xff\xfe", "x"},    {"a\\", "a"},
    {"a*\\", "ax"},       {"\\", "x"},
    {"d/a*b", "d/axb"},   {"d*/f", "dx/f"},
    {"d\\/f", "d/f"},     {"trail/***", "trail/x"},
};

class RsyncFilter : public testing::Test {
 protected:
  Mirror mirror;
};

TEST_F(RsyncFilter, HidesExactlyThePathItNames) {
  for (const Case& c : kCases) {
    Mirror m;
    write_file(m.src(c.hidden), "1");
    write_file(m.src(c.sibling), "2");
    write_file(m.src(std::string("deeper/") + c.hidden), "3");
    write_file(m.dst(c.hidden), "old");
    m.sync(in_lane(Lane::full, {c.hidden}));
    EXPECT_FALSE(m.has(c.hidden)) << c.hidden << ": an earlier copy is deleted";
    EXPECT_TRUE(m.has(c.sibling)) << c.hidden;
    EXPECT_TRUE(m.has(std::string("deeper/") + c.hidden)) << c.hidden << ": anchored at the source";
  }
}

TEST_F(RsyncFilter, PassesOverExactlyThePathItNames) {
  for (const Case& c : kCases) {
    Mirror m;
    write_file(m.src(c.hidden), "1");
    write_file(m.src(c.sibling), "2");
    write_file(m.dst(c.hidden), "old");
    m.sync(in_lane(Lane::full, {}, {c.hidden}));
    EXPECT_EQ(m.sent(c.hidden), "old") << c.hidden << ": neither sent nor deleted";
    EXPECT_TRUE(m.has(c.sibling)) << c.hidden;
  }
}

TEST_F(RsyncFilter, AHiddenDanglingLinkIsNoError) {
  write_file(mirror.src("f"), "1");
  fs::create_symlink("nowhere", mirror.src("dang*ling"));
  write_file(mirror.dst("dang*ling"), "old");
  write_file(mirror.dst("extraneous"), "old");
  EXPECT_NE(mirror.run(in_lane(Lane::full)).exit.status, 0) << "it is one when it shows";
  EXPECT_TRUE(mirror.has("extraneous")) << "and stops the deletions";
  mirror.sync(in_lane(Lane::full, {"dang*ling"}));
  EXPECT_FALSE(mirror.has("dang*ling"));
  EXPECT_FALSE(mirror.has("extraneous"));
}

TEST_F(RsyncFilter, AHiddenLoopEndsTheRecursion) {
  write_file(mirror.src("d/f"), "1");
  fs::create_directory_symlink(".", mirror.src("d/loop"));
  fs::create_directory_symlink("..", mirror.src("d/up"));
  mirror.sync(in_lane(Lane::full, {"d/loop", "d/up"}));
  EXPECT_TRUE(mirror.has("d/f"));
  EXPECT_FALSE(mirror.has("d/loop"));
  EXPECT_FALSE(mirror.has("d/up"));
}

TEST_F(RsyncFilter, HidesInATreeByItsPathFromTheSource) {
  write_file(mirror.src("d/keep"), "1");
  fs::create_symlink("nowhere", mirror.src("d/gone"));
  mirror.sync(in_lane(Lane::tree, {"d/gone"}), {"d"});
  EXPECT_TRUE(mirror.has("d/keep"));
  mirror.sync(in_lane(Lane::children, {"d/gone"}), {"d"});
}

}  // namespace
}  // namespace mirrord
