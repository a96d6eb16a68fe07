#include "core/failure_log.hpp"

#include <gtest/gtest.h>

namespace mirrord {
namespace {

using namespace std::chrono_literals;

Instant at(Duration since_start) { return Instant{} + since_start; }

TEST(FailureLog, FirstAtOnceThenAtGrowingIntervals) {
  FailureLog log;
  EXPECT_EQ(0u, log.tell("refused", at(0s)));
  EXPECT_EQ(std::nullopt, log.tell("refused", at(1s)));
  EXPECT_EQ(std::nullopt, log.tell("refused", at(59s)));
  EXPECT_EQ(2u, log.tell("refused", at(60s)));
  EXPECT_EQ(std::nullopt, log.tell("refused", at(170s)));
  EXPECT_EQ(1u, log.tell("refused", at(180s)));
}

TEST(FailureLog, AnotherReasonIsNews) {
  FailureLog log;
  EXPECT_EQ(0u, log.tell("refused", at(0s)));
  EXPECT_EQ(0u, log.tell("no route", at(1s)));
  EXPECT_EQ(std::nullopt, log.tell("refused", at(2s)));
  EXPECT_EQ(std::nullopt, log.tell("no route", at(3s)));
}

TEST(FailureLog, NewsAfterARecovery) {
  FailureLog log;
  EXPECT_EQ(0u, log.tell("refused", at(0s)));
  EXPECT_EQ(std::nullopt, log.tell("refused", at(1s)));
  log.recovered();
  EXPECT_EQ(0u, log.tell("refused", at(2s)));
}

/// A failure each second, each in words of its own: still bounded.
TEST(FailureLog, ADayWritesAFewDozenLines) {
  FailureLog log;
  size_t lines = 0, told = 0;
  constexpr size_t kDay = 24 * 60 * 60;
  for (size_t second = 0; second < kDay; ++second)
    if (auto passed_over =
            log.tell("refused, attempt " + std::to_string(second), at(second * 1s))) {
      ++lines;
      told += 1 + *passed_over;
    }
  EXPECT_LE(lines, 40u);
  EXPECT_GE(lines, 24u) << "one an hour at least";
  EXPECT_GE(told, kDay - 3600);
}

}  // namespace
}  // namespace mirrord
