#include "core/path.hpp"

#include <gtest/gtest.h>

namespace mirrord {
namespace {

TEST(LogicalPath, IsJoinedAndTakenApart) {
  EXPECT_EQ(join("a/b", "c"), "a/b/c");
  EXPECT_EQ(join("", "c"), "c");
  EXPECT_EQ(join("a", ""), "a");
  EXPECT_EQ(parent_of("a/b/c"), "a/b");
  EXPECT_EQ(parent_of("a"), "");
}

TEST(LogicalPath, IsPartOfWholeComponents) {
  EXPECT_TRUE(is_part_of("a/b", "a"));
  EXPECT_TRUE(is_part_of("a", "a"));
  EXPECT_TRUE(is_part_of("a", "")) << "the source holds everything";
  EXPECT_FALSE(is_part_of("ab", "a"));
  EXPECT_FALSE(is_part_of("a", "a/b"));
}

TEST(AbsolutePath, IsAtOrBelowWholeComponents) {
  EXPECT_TRUE(is_at_or_below("/a", "/a"));
  EXPECT_TRUE(is_at_or_below("/a/b", "/a"));
  EXPECT_TRUE(is_at_or_below("/a", "/"));
  EXPECT_FALSE(is_at_or_below("/ab", "/a"));
  EXPECT_FALSE(is_at_or_below("/a", "")) << "nowhere is no directory";
}

TEST(AbsolutePath, OverlapsInBothDirections) {
  EXPECT_TRUE(paths_overlap("/a", "/a"));
  EXPECT_TRUE(paths_overlap("/a", "/a/b"));
  EXPECT_TRUE(paths_overlap("/a/b", "/a"));
  EXPECT_TRUE(paths_overlap("/", "/a"));
  EXPECT_FALSE(paths_overlap("/a", "/ab"));
  EXPECT_FALSE(paths_overlap("/a/b", "/a/c"));
}

TEST(AbsolutePath, IsRelativeToWhatIsAboveIt) {
  EXPECT_EQ(relative_to("/a/b/c", "/a"), "b/c");
  EXPECT_EQ(relative_to("/a", "/a"), "");
  EXPECT_EQ(relative_to("/a", "/"), "a");
}

}  // namespace
}  // namespace mirrord
