// What failures and full syncs do to the changes of a target.
#include "core/story.hpp"

#include <set>

namespace mirrord {
namespace {

using namespace test;

TEST_F(Story, HurrySkipsEveryBackoff) {
  changed(0ms, "dir", ChangeKind::children);
  run_live(100ms, 200ms, Verdict::failed);
  EXPECT_FALSE(is_due(kLive, 300ms));
  queue.hurry(at(300ms));
  run_live(300ms, 400ms, Verdict::partial);
  EXPECT_FALSE(is_due(kLive, 500ms));
  queue.hurry(at(500ms));
  run_live(500ms, 600ms, Verdict::done);
  EXPECT_EQ(state(600ms), TargetState::idle);
  queue.want_full(at(600ms));
  start_full(600ms);
  finish(700ms, kFull, Verdict::partial);
  EXPECT_FALSE(is_due(kFull, 710ms));
  queue.hurry(at(710ms));
  EXPECT_TRUE(is_due(kFull, 710ms));
}

TEST_F(Story, AFailedTargetIsHeldOff) {
  changed(0ms, "a");
  run_live(100ms, 200ms, Verdict::failed);
  EXPECT_EQ(state(200ms), TargetState::retrying);
  EXPECT_EQ(queue.failures(), 1u);
  expect_within_a_fifth(wait(200ms), 1s);
  changed(210ms, "b");
  queue.want_full(at(210ms));
  EXPECT_FALSE(is_due(kLive, 990ms)) << "new changes wait with it";
  EXPECT_FALSE(is_due(kFull, 990ms)) << "and so does a full sync";
  EXPECT_TRUE(is_due(kFull, 1400ms));
  EXPECT_EQ(start_live(1400ms), (Paths{"a", "b"}));
  EXPECT_FALSE(is_due(kFull, 1400ms)) << "tried with one rsync, not with two";
  finish(1500ms, kLive, Verdict::done);
  EXPECT_EQ(queue.failures(), 0u);
  EXPECT_TRUE(is_due(kFull, 1500ms));
}

TEST_F(Story, WhatARunEndedAtHoldsUpNothingElse) {
  for (const char* path : {"a", "big", "c"}) changed(0ms, path);
  start_live(100ms);
  Outcome full = outcome(Verdict::failed);
  full.unsent = Paths{"big"};
  const auto fail = [&](Duration when) {
    queue.finished(kLive, full, at(when));
    connect(queue, at(when));
  };
  fail(200ms);
  EXPECT_EQ(queue.failures(), 1u) << "perhaps nothing more fits there";
  EXPECT_EQ(start_live(1400ms), (Paths{"a", "c"}));
  finish(1500ms, kLive, Verdict::done);
  EXPECT_EQ(start_live(2s), Paths{"big"});
  fail(2100ms);
  EXPECT_EQ(queue.failures(), 0u) << "the others fit";
  EXPECT_EQ(state(2100ms), TargetState::retrying);
  changed(2300ms, "d");
  EXPECT_EQ(start_live(2400ms), (Paths{"d"})) << "without a wait";
  finish(2500ms, kLive, Verdict::done);
  EXPECT_TRUE(queue.may_lack("big"));
}

TEST_F(Story, WhatAKilledReceiverLeftIsLookedFor) {
  changed(0ms, "dir/a");
  run_live(100ms, 200ms, Verdict::failed);
  EXPECT_EQ(run_live(2s, 3s, Verdict::done), Paths{"dir/a"});
  ASSERT_TRUE(is_due(kLive, 3s)) << "its temporary file is beside it";
  Batch compared = queue.start_live();
  EXPECT_EQ(compared.kind, ChangeKind::children);
  EXPECT_EQ(compared.paths, Paths{"dir"});
  finish(4s, kLive, Verdict::done);
  EXPECT_EQ(state(4s), TargetState::idle);
}

TEST_F(Story, SoIsWhatAStandbyLeftThatDiedWithABatch) {
  changed(0ms, "dir/a");
  start_live(100ms);
  queue.live_was_cut_off(at(200ms));
  queue.give_back(kLive, at(200ms));
  EXPECT_EQ(run_live(1s, 2s, Verdict::done), Paths{"dir/a"});
  ASSERT_TRUE(is_due(kLive, 2s));
  EXPECT_EQ(start_live(2s), Paths{"dir"});
}

TEST_F(Story, AStandbyThatDiesIdleCastsNoDoubtOnTheRunningBatch) {
  changed(0ms, "dir/a");
  start_live(100ms);
  queue.standby_died();
  EXPECT_EQ(queue.pending(), 1u);
  finish(200ms, kLive, Verdict::done);
  EXPECT_EQ(state(200ms), TargetState::idle);
}

TEST_F(Story, BackoffGrowsUpToItsLimit) {
  changed(0ms, "a");
  Duration now = 100ms;
  for (Duration middle : {1000ms, 1500ms, 2250ms, 3375ms, 5063ms, 7594ms, 11391ms, 17086ms, 25629ms,
                          38443ms, 57665ms, 60000ms, 60000ms}) {
    run_live(now, now, Verdict::failed);
    expect_within_a_fifth(wait(now), middle);
    now += wait(now);
  }
}

TEST_F(Story, BackoffStaysAtItsLimitForever) {
  changed(0ms, "a");
  Duration now = 100ms;
  for (int i = 0; i < 200; ++i) {
    run_live(now, now, Verdict::failed);
    EXPECT_GT(wait(now), 0s) << i;
    EXPECT_LE(wait(now), 72s) << i;
    now += wait(now);
  }
}

TEST_F(Story, BackoffsOfDifferentTargetsDiffer) {
  std::set<Duration> waits;
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    queue = TargetQueue(pace(), seed);
    queue.set_activity(Activity::all);
    connect(queue, at(0s));
    changed(0ms, "a");
    run_live(100ms, 100ms, Verdict::failed);
    waits.insert(wait(100ms));
    expect_within_a_fifth(wait(100ms), 1s);
  }
  EXPECT_GT(waits.size(), 15u);
}

// DESIGN section 8, the outage.
TEST_F(Story, ADeadTargetIsTriedLessThanTwentyTimesInTenMinutes) {
  queue = TargetQueue(pace(), 1);
  queue.set_activity(Activity::all);
  int attempts = 0;
  int changes = 0;
  for (Duration now = 0s; now < 10min; now += 12ms) {
    changed(now, "file" + std::to_string(++changes));
    if (!is_due(JobKind::connect, now)) continue;
    queue.start_connecting();
    queue.finished(JobKind::connect, outcome(Verdict::failed), at(now));
    ++attempts;
  }
  EXPECT_EQ(changes, 50'000);
  EXPECT_GT(attempts, 5);
  EXPECT_LE(attempts, 20);
  EXPECT_TRUE(queue.full().wanted() || queue.pending() == 50'000u) << "nothing is forgotten";
}

TEST_F(Story, VanishedFilesAreLookedAtAgainSoon) {
  changed(0ms, "a");
  run_live(100ms, 200ms, Verdict::again);
  EXPECT_EQ(state(200ms), TargetState::settling);
  EXPECT_EQ(queue.failures(), 0u);
  EXPECT_FALSE(is_due(kLive, 299ms));
  EXPECT_EQ(start_live(300ms), Paths{"a"});
}

TEST_F(Story, WhatVanishesAgainAndAgainIsHeldOff) {
  Pace eager = pace();
  eager.delay = 0s;
  queue.set_pace(eager);
  changed(0ms, "a");
  for (int i = 0; i < 3; ++i) run_live(100ms, 100ms, Verdict::again);
  EXPECT_TRUE(is_due(kLive, 100ms)) << "three times in a row may be a matter of a moment";
  run_live(100ms, 200ms, Verdict::again);
  EXPECT_EQ(state(200ms), TargetState::retrying);
  expect_within_a_fifth(wait(200ms), 1s);
  EXPECT_EQ(run_live(2s, 2s, Verdict::done), Paths{"a"});
  EXPECT_EQ(state(2s), TargetState::idle);
}

TEST_F(Story, WhatIsStuckDoesNotHoldUpFreshChanges) {
  changed(0ms, "bad");
  run_live(100ms, 200ms, Verdict::partial);
  EXPECT_EQ(state(200ms), TargetState::retrying);
  EXPECT_TRUE(queue.troubled());
  changed(210ms, "good");
  EXPECT_EQ(run_live(310ms, 350ms, Verdict::done), Paths{"good"});
  EXPECT_TRUE(queue.troubled()) << "one clean batch does not mend what is stuck";
  EXPECT_EQ(queue.pending(), 1u);
  expect_within_a_fifth(wait(200ms), 1s);
  EXPECT_EQ(run_live(1400ms, 1500ms, Verdict::partial), Paths{"bad"});
  expect_within_a_fifth(wait(1500ms), 1500ms);
  EXPECT_EQ(run_live(4s, 4s, Verdict::done), Paths{"bad"});
  EXPECT_FALSE(queue.troubled());
  EXPECT_EQ(state(4s), TargetState::idle);
}

TEST_F(Story, AChangeOfWhatIsStuckWaitsForNoOtherTry) {
  changed(0ms, "bad");
  run_live(100ms, 200ms, Verdict::partial);
  run_live(2s, 2s, Verdict::partial);
  changed(2100ms, "bad");
  EXPECT_FALSE(is_due(kLive, 2150ms)) << "it settles as any other change";
  EXPECT_EQ(run_live(2200ms, 2300ms, Verdict::done), Paths{"bad"});
  EXPECT_EQ(state(2300ms), TargetState::idle);
  EXPECT_FALSE(queue.troubled());
  EXPECT_EQ(queue.pending(), 0u);
}

TEST_F(Story, AChangeOfWhatIsStuckMendsNothingBeforeItHasArrived) {
  changed(0ms, "bad");
  run_live(100ms, 200ms, Verdict::partial);
  changed(300ms, "good");
  start_live(400ms);
  changed(410ms, "bad");
  queue.finished(kLive, outcome(Verdict::done), at(500ms));
  EXPECT_TRUE(queue.troubled());
}

TEST_F(Story, BackoffBeginsAnewAfterSuccess) {
  changed(0ms, "bad");
  run_live(100ms, 200ms, Verdict::partial);
  run_live(2s, 2s, Verdict::partial);
  run_live(10s, 10s, Verdict::done);
  changed(20s, "bad");
  run_live(21s, 21s, Verdict::partial);
  expect_within_a_fifth(wait(21s), 1s);
}

// Whether that succeeds or fails itself, again and again.
TEST_F(Story, StuckPathsGetTheirTurnUnderConstantWriting) {
  changed(0ms, "bad");
  run_live(100ms, 100ms, Verdict::partial);
  for (Verdict of_log : {Verdict::done, Verdict::partial}) {
    int tries = 0;
    const Duration begin = of_log == Verdict::done ? 110ms : 60s;
    for (Duration now = begin; now < begin + 30s && tries < 2; now += 10ms) {
      changed(now, "log");
      if (!is_due(kLive, now)) continue;
      const Paths paths = queue.start_live().paths;
      const bool tried = std::ranges::count(paths, "bad") != 0;
      tries += tried;
      finish(now, kLive, tried ? Verdict::partial : of_log);
    }
    EXPECT_EQ(tries, 2);
  }
}

TEST_F(Story, AFullSyncRunsBesideLiveChanges) {
  queue.want_full(at(0ms));
  EXPECT_TRUE(queue.full().wanted());
  EXPECT_EQ(state(0ms), TargetState::waiting);
  start_full(0ms);
  changed(10ms, "a");
  EXPECT_EQ(run_live(110ms, 200ms, Verdict::done), Paths{"a"});
  EXPECT_EQ(state(210ms), TargetState::syncing);
  finish(1s, kFull, Verdict::done);
  EXPECT_EQ(queue.pending(), 1u) << "the full sync may have overwritten it on old knowledge";
  EXPECT_EQ(run_live(1100ms, 1200ms, Verdict::done), Paths{"a"});
  EXPECT_EQ(state(1200ms), TargetState::idle);
}

TEST_F(Story, WhatChangedBeforeAFullSyncIsNotSentAgain) {
  changed(0ms, "a");
  queue.want_full(at(50ms));
  start_full(60ms);
  EXPECT_EQ(run_live(100ms, 200ms, Verdict::done), Paths{"a"});
  finish(1s, kFull, Verdict::done);
  EXPECT_EQ(state(1s), TargetState::idle);
}

TEST_F(Story, AFailedFullSyncIsWantedAgain) {
  for (Verdict verdict : {Verdict::failed, Verdict::partial}) {
    queue = TargetQueue(pace(), 1);
    queue.set_activity(Activity::all);
    connect(queue, at(0s));
    queue.want_full(at(0ms));
    start_full(0ms);
    finish(1s, kFull, verdict);
    EXPECT_TRUE(queue.full().wanted());
    EXPECT_EQ(state(1s), TargetState::retrying);
    expect_within_a_fifth(wait(1s), 1s);
    EXPECT_EQ(queue.oldest_pending(), at(0ms));
    start_full(3s);
    finish(4s, kFull, verdict);
    expect_within_a_fifth(wait(4s), 1500ms);
    start_full(10s);
    finish(11s, kFull, Verdict::done);
    EXPECT_EQ(state(11s), TargetState::idle);
  }
}

TEST_F(Story, APartialFullSyncDoesNotHoldUpLiveChanges) {
  queue.want_full(at(0ms));
  start_full(0ms);
  finish(1s, kFull, Verdict::partial);
  changed(1s, "a");
  EXPECT_EQ(run_live(1100ms, 1150ms, Verdict::done), Paths{"a"});
  EXPECT_TRUE(queue.troubled());
}

TEST_F(Story, AFullWantedDuringAFullSyncRunsAfterIt) {
  queue.want_full(at(0ms));
  start_full(0ms);
  queue.want_full(at(10ms));
  EXPECT_FALSE(is_due(kFull, 1h));
  finish(1s, kFull, Verdict::done);
  EXPECT_TRUE(is_due(kFull, 1s));
}

TEST_F(Story, TooManyChangesBecomeAFullSync) {
  for (size_t i = 0; i <= DirtySet::kLimit; ++i) changed(5ms, std::to_string(i) + "/file");
  EXPECT_EQ(queue.pending(), 0u);
  EXPECT_TRUE(queue.full().wanted());
  EXPECT_EQ(queue.oldest_pending(), at(5ms));
  EXPECT_TRUE(is_due(kFull, 5ms));
}

TEST_F(Story, GoesOnAtOnceAfterAFullBatch) {
  for (size_t i = 0; i <= DirtySet::kBatchLimit; ++i) changed(0ms, std::to_string(i));
  EXPECT_EQ(run_live(100ms, 200ms, Verdict::done).size(), DirtySet::kBatchLimit);
  EXPECT_EQ(run_live(200ms, 300ms, Verdict::done).size(), 1u);
}

}  // namespace
}  // namespace mirrord
