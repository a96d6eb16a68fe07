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

TEST(Backoff, DoublesUpToItsMost) {
  Backoff backoff(1);
  for (Duration wanted : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
    backoff.failed(kRetry, Instant(1h));
    expect_within_a_fifth(backoff.until() - Instant(1h), wanted);
  }
  EXPECT_EQ(backoff.failures(), 8u);
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
  expect_within_a_fifth(backoff.until() - Instant(1h), 2s);
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
