#include "core/backoff.hpp"

#include <gtest/gtest.h>

namespace mirrord {
namespace {

using namespace std::chrono_literals;

constexpr RetrySettings kRetry{1s, 1min};

void expect_within_a_fifth(Duration wait, Duration wanted) {
  EXPECT_GE(wait, wanted * 4 / 5);
  EXPECT_LE(wait, wanted * 6 / 5);
}

TEST(Backoff, GrowsByHalfUpToItsMost) {
  Backoff backoff(1);
  for (Duration wanted : {1000ms, 1500ms, 2250ms, 3375ms, 5063ms, 7594ms, 11391ms, 17086ms, 25629ms,
                          38443ms, 57665ms, 60000ms, 60000ms}) {
    backoff.failed(kRetry, Instant(1h));
    expect_within_a_fifth(backoff.until() - Instant(1h), wanted);
  }
  EXPECT_EQ(backoff.failures(), 13u);
}

TEST(Backoff, BeginsAnewAfterSuccess) {
  Backoff backoff(1);
  for (int i = 0; i < 5; ++i) backoff.failed(kRetry, Instant(1h));
  backoff.succeeded();
  EXPECT_LE(backoff.until(), Instant());
  backoff.failed(kRetry, Instant(1h));
  expect_within_a_fifth(backoff.until() - Instant(1h), 1s);
}

TEST(Backoff, ASkippedWaitStillCounts) {
  Backoff backoff(1);
  backoff.failed(kRetry, Instant(1h));
  backoff.skip(Instant(1h));
  EXPECT_EQ(backoff.until(), Instant(1h));
  backoff.failed(kRetry, Instant(1h));
  expect_within_a_fifth(backoff.until() - Instant(1h), 1500ms);
}

TEST(Backoff, FailsForEver) {
  Backoff backoff(1);
  for (int i = 0; i < 10'000; ++i) {
    backoff.failed(kRetry, Instant(1h));
    ASSERT_LE(backoff.until() - Instant(1h), 72s);
    ASSERT_GT(backoff.until() - Instant(1h), 0s);
  }
}

}  // namespace
}  // namespace mirrord
