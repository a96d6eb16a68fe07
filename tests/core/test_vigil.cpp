#include "core/vigil.hpp"

#include <gtest/gtest.h>

namespace mirrord {
namespace {

using Names = std::vector<std::string>;

Instant at(int seconds) { return Instant(std::chrono::seconds(seconds)); }

TEST(Vigil, WhatStandsForThePatienceIsOverdue) {
  Vigil vigil(std::chrono::seconds(30));
  EXPECT_EQ(vigil.overdue({"a"}, at(0)), Names{});
  EXPECT_EQ(vigil.overdue({"a"}, at(29)), Names{});
  EXPECT_EQ(vigil.overdue({"a"}, at(30)), Names{"a"});
  EXPECT_EQ(vigil.overdue({"a"}, at(45)), Names{"a"});
}

TEST(Vigil, WhatWasDoneMeanwhileBeginsAnew) {
  Vigil vigil(std::chrono::seconds(30));
  EXPECT_EQ(vigil.overdue({"a"}, at(0)), Names{});
  EXPECT_EQ(vigil.overdue({}, at(15)), Names{});
  EXPECT_EQ(vigil.overdue({"a"}, at(30)), Names{});
  EXPECT_EQ(vigil.overdue({"a"}, at(60)), Names{"a"});
}

TEST(Vigil, AnotherNameIsAnotherDuty) {
  Vigil vigil(std::chrono::seconds(30));
  EXPECT_EQ(vigil.overdue({"events since 1", "b"}, at(0)), Names{});
  EXPECT_EQ(vigil.overdue({"events since 2", "b"}, at(30)), Names{"b"});
}

TEST(Vigil, WhoLooksLateForgetsNothing) {
  Vigil vigil(std::chrono::seconds(30));
  EXPECT_EQ(vigil.overdue({"a"}, at(0)), Names{});
  EXPECT_EQ(vigil.overdue({"a", "b"}, at(3600)), Names{"a"});
}

}  // namespace
}  // namespace mirrord
