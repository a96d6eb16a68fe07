// When a target's changes are sent.
#include "core/story.hpp"

namespace mirrord {
namespace {

using namespace test;

TEST_F(Story, NothingToDoIsIdle) {
  EXPECT_EQ(state(0ms), TargetState::idle);
  EXPECT_EQ(queue.due(kLive), std::nullopt);
  EXPECT_EQ(queue.due(kFull), std::nullopt);
  EXPECT_EQ(queue.oldest_pending(), std::nullopt);
  EXPECT_EQ(queue.next_attempt(), std::nullopt);
}

TEST_F(Story, AChangeStartsAfterItsDelay) {
  changed(0ms, "a");
  EXPECT_EQ(state(0ms), TargetState::settling);
  EXPECT_FALSE(is_due(kLive, 99ms));
  EXPECT_TRUE(is_due(kLive, 100ms));
  EXPECT_EQ(state(100ms), TargetState::waiting);
  EXPECT_EQ(start_live(100ms), Paths{"a"});
  EXPECT_EQ(state(110ms), TargetState::syncing);
  EXPECT_EQ(queue.pending(), 1u) << "not there yet";
  finish(150ms, kLive, Verdict::done);
  EXPECT_EQ(state(150ms), TargetState::idle);
  EXPECT_EQ(queue.pending(), 0u);
}

TEST_F(Story, EachChangeProlongsTheSettling) {
  changed(0ms, "a");
  changed(90ms, "b");
  EXPECT_FALSE(is_due(kLive, 189ms));
  EXPECT_EQ(start_live(190ms), (Paths{"a", "b"}));
}

TEST_F(Story, ConstantWritingWaitsNoLongerThanMaxDelay) {
  for (Duration t = 0ms; t <= 990ms; t += 90ms) changed(t, "log");
  EXPECT_FALSE(is_due(kLive, 999ms));
  EXPECT_TRUE(is_due(kLive, 1000ms));
}

TEST_F(Story, WriteDuringRunTriggersSecondRun) {
  changed(0ms, "a");
  start_live(100ms);
  changed(120ms, "a");
  EXPECT_FALSE(is_due(kLive, 1h)) << "one live run at a time";
  finish(300ms, kLive, Verdict::done);
  EXPECT_EQ(queue.pending(), 1u);
  EXPECT_EQ(start_live(300ms), Paths{"a"});
}

TEST_F(Story, HurrySkipsTheSettling) {
  changed(0ms, "a");
  queue.hurry(at(10ms));
  EXPECT_EQ(start_live(10ms), Paths{"a"});
  finish(20ms, kLive, Verdict::done);
  changed(30ms, "b");
  EXPECT_FALSE(is_due(kLive, 129ms)) << "hurry was for what was pending then";
}

TEST_F(Story, HurryWithNothingPendingChangesNothing) {
  queue.hurry(at(0ms));
  changed(10ms, "a");
  EXPECT_FALSE(is_due(kLive, 109ms));
  EXPECT_TRUE(is_due(kLive, 110ms));
}

TEST_F(Story, PausedStartsNothingAndForgetsNothing) {
  changed(0ms, "a");
  queue.want_full(at(0ms));
  queue.set_paused(true);
  EXPECT_EQ(state(1h), TargetState::paused);
  EXPECT_FALSE(is_due(kLive, 1h));
  EXPECT_FALSE(is_due(kFull, 1h));
  changed(10s, "b");
  EXPECT_EQ(queue.pending(), 2u);
  queue.set_paused(false);
  EXPECT_TRUE(is_due(kFull, 11s));
  EXPECT_EQ(start_live(11s), (Paths{"a", "b"}));
}

TEST_F(Story, ARunThatWasStartedBeforeThePauseCounts) {
  changed(0ms, "a");
  start_live(100ms);
  queue.set_paused(true);
  finish(200ms, kLive, Verdict::done);
  EXPECT_EQ(queue.pending(), 0u);
}

TEST_F(Story, NothingStartsWhileTheSourceIsMissing) {
  queue.set_activity(Activity::none);
  changed(0ms, "a");
  queue.want_full(at(0ms));
  queue.hurry(at(0ms));
  EXPECT_FALSE(is_due(kLive, 1h));
  EXPECT_FALSE(is_due(kFull, 1h));
  EXPECT_EQ(queue.next_attempt(), std::nullopt);
  queue.set_activity(Activity::all);
  EXPECT_TRUE(is_due(kLive, 1h));
  EXPECT_TRUE(is_due(kFull, 1h));
}

TEST_F(Story, NamesInDoubtSettleUntilTheyAreCompared) {
  queue.doubt_names(at(0s), at(0s));
  EXPECT_EQ(queue.state(at(0s)), TargetState::settling);
  EXPECT_EQ(queue.state(at(2s)), TargetState::waiting);
  EXPECT_EQ(queue.oldest_pending(), at(0s));
}

TEST_F(Story, ANewPaceHoldsFromNowOn) {
  changed(0ms, "a");
  queue.set_pace({10ms, 1s, {1s, 1min}});
  EXPECT_FALSE(is_due(kLive, 9ms));
  EXPECT_TRUE(is_due(kLive, 10ms));
}

}  // namespace
}  // namespace mirrord
