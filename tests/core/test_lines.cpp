#include "core/lines.hpp"

#include <gtest/gtest.h>

namespace mirrord {
namespace {

using Lines = std::vector<std::string>;

TEST(Lines, AreTakenApartWhateverTheirEnds) {
  EXPECT_EQ(lines_of("one\ntwo\r\n\n\r\nthree"), (Lines{"one", "two", "three"}));
  EXPECT_EQ(lines_of(""), Lines{});
  EXPECT_EQ(lines_of("\n"), Lines{});
}

TEST(Lines, TheLastIsNotEmpty) {
  EXPECT_EQ(last_line("one\ntwo\r\n\n"), "two");
  EXPECT_EQ(last_line("one"), "one");
  EXPECT_EQ(last_line("\n\r\n"), "");
  EXPECT_EQ(last_line(""), "");
}

}  // namespace
}  // namespace mirrord
