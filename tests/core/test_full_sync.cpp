// When a full comparison is due; what it may delete is told by the stories of a target.
#include "core/full_sync.hpp"

#include "core/story.hpp"

namespace mirrord {
namespace {

using namespace test;

class FullSyncs : public testing::Test {
 protected:
  /// Something asks for one; when it may start, counted from then.
  Duration wait_after(Duration when) {
    full.want_paced(at(when), retry, at(when));
    return *full.due() - at(when);
  }
  void run(Duration when) {
    full.start();
    full.finished(outcome(Verdict::done), true, retry, at(when));
  }
  FullSync full{1};
  RetrySettings retry{1s, 1min};
};

TEST_F(FullSyncs, PacedOnesComeAtGrowingIntervals) {
  EXPECT_LE(wait_after(0s), 1200ms);
  EXPECT_LE(wait_after(500ms), 700ms) << "the same one";
  run(2s);
  Duration before{};
  for (Duration now = 3s; now < 1h; now += 50s) {
    before = wait_after(now);
    run(now);
  }
  EXPECT_GE(before, 48s);
  EXPECT_LE(before, 72s) << "retry.max, and jitter";
}

TEST_F(FullSyncs, PacingIsForgottenAfterAPause) {
  for (Duration now = 0s; now < 10min; now += 20s) {
    (void)wait_after(now);
    run(now);
  }
  EXPECT_LE(wait_after(20min), 1200ms);
}

TEST_F(FullSyncs, WhateverElseAsksDoesNotWaitForThePace) {
  for (Duration now = 0s; now < 10min; now += 20s) {
    (void)wait_after(now);
    run(now);
  }
  ASSERT_GE(wait_after(10min), 48s);
  full.want(at(10min));
  EXPECT_EQ(full.due(), at(10min));
}

TEST_F(FullSyncs, SomebodyWhoAsksNowDoesNotWaitForThePace) {
  ASSERT_GT(wait_after(0s), 0s);
  full.skip_waits(at(0s));
  EXPECT_EQ(full.due(), at(0s));
}

TEST_F(FullSyncs, WhatWasChangedFirstIsWaitedFor) {
  full.want_paced(at(3s), retry, at(5s));
  full.want_paced(at(2s), retry, at(6s));
  full.want_paced(at(4s), retry, at(7s));
  EXPECT_EQ(full.oldest(), at(2s));
}

}  // namespace
}  // namespace mirrord
