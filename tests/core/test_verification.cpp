#include "core/verification.hpp"

#include <gtest/gtest.h>

namespace mirrord {
namespace {

using Lines = std::vector<std::string>;

constexpr auto* kStatistics = "\nNumber of files: 3 (reg: 2, dir: 1)\nTotal bytes sent: 77\n";

TEST(Verification, ReadsTheItemizedLines) {
  EXPECT_EQ(read_drift(std::string(">fcst...... a\n*deleting   b c\n") + kStatistics),
            (Lines{">fcst...... a", "*deleting   b c"}));
  EXPECT_EQ(read_drift(kStatistics), Lines{});
  EXPECT_EQ(read_drift(""), Lines{});
}

TEST(Verification, WhatRsyncSaysBesidesIsNoDrift) {
  EXPECT_EQ(read_drift("skipping non-regular file \"pipe\"\n>f+++++++++ b\n"),
            Lines{">f+++++++++ b"});
}

TEST(Verification, OfTheEndOfALongOutputTheFirstLineIsNone) {
  EXPECT_EQ(read_drift(std::string(".... a\n>f+++++++++ b\n") + kStatistics, false),
            Lines{">f+++++++++ b"});
  EXPECT_EQ(read_drift(">f+++++++++ a long na", false), Lines{">f+++++++++ a long na"});
}

TEST(Verification, IsEqualOnlyWithoutDriftAndError) {
  const auto equal = [](const Verification& one) {
    return to_json({one}).find("\"equal\":true") != std::string::npos;
  };
  EXPECT_TRUE(equal({"web", "a", {}, true, ""}));
  EXPECT_FALSE(equal({"web", "a", {">f+++++++++ b"}, true, ""}));
  EXPECT_FALSE(equal({"web", "a", {}, false, ""})) << "there was more than could be read";
  EXPECT_FALSE(equal({"web", "a", {}, true, "some files could not be transferred"}));
}

TEST(Verification, TellsBytesAsText) {
  EXPECT_NE(to_json({{"web", "a", {"\xff"}, true, ""}}).find(R"(\\xff)"), std::string::npos);
  // rsync has escaped it in its own way.
  EXPECT_NE(to_json({{"web", "a", {R"(*deleting   a\#012b)"}, true, ""}}).find(R"(a\\nb)"),
            std::string::npos);
}

}  // namespace
}  // namespace mirrord
