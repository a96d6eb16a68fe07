#include "daemon/target_log.hpp"

#include <gtest/gtest.h>

#include "io/log.hpp"

namespace mirrord {
namespace {

using namespace std::chrono_literals;

class TargetLogTest : public testing::Test {
 protected:
  TargetLogTest() { log::open(log::Target::standard_error, LogLevel::warning); }

  /// Whether it is worth a warning.
  bool tells(Verdict verdict, const std::string& text, Duration at) {
    Run::Result result;
    result.outcome.verdict = verdict;
    result.outcome.text = text;
    testing::internal::CaptureStderr();
    log.ended({}, {}, JobKind::full, result, std::nullopt, Instant{} + at);
    return !testing::internal::GetCapturedStderr().empty();
  }

  TargetLog log;
};

TEST_F(TargetLogTest, AHoldThatLastsIsToldNowAndThen) {
  EXPECT_TRUE(tells(Verdict::held, "7 of 9", 0s));
  EXPECT_FALSE(tells(Verdict::held, "8 of 9", 10s)) << "the numbers are no news";
  EXPECT_TRUE(tells(Verdict::held, "8 of 9", 61s));
}

TEST_F(TargetLogTest, TheNextHoldIsNews) {
  EXPECT_TRUE(tells(Verdict::held, "7 of 9", 0s));
  tells(Verdict::partial, "one cannot be read", 10s);
  EXPECT_TRUE(tells(Verdict::held, "9 of 9", 20s));
}

TEST_F(TargetLogTest, HoldsTakeNoFailureItsTurn) {
  for (int i = 0; i < 20; ++i) tells(Verdict::held, std::to_string(i), i * 1s);
  EXPECT_TRUE(tells(Verdict::failed, "the disk is gone", 30s));
}

}  // namespace
}  // namespace mirrord
