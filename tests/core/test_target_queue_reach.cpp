// Connecting, standbys and the deletion guard in the life of one target.
#include "core/story.hpp"

namespace mirrord {
namespace {

using namespace test;

class Unconnected : public testing::Test {
 protected:
  Unconnected() { queue.set_activity(Activity::all); }
  void changed(Duration when) { queue.changed("a", ChangeKind::data, at(when)); }
  bool is_due(JobKind kind, Duration when) const {
    auto due = queue.due(kind);
    return due && *due <= at(when);
  }
  TargetQueue queue{pace(), 1};
};

TEST_F(Unconnected, ConnectsWhenThereIsSomethingToSend) {
  EXPECT_EQ(queue.due(JobKind::connect), std::nullopt) << "an idle target is left alone";
  changed(0ms);
  EXPECT_FALSE(is_due(JobKind::connect, 99ms)) << "a change settles first";
  EXPECT_TRUE(is_due(JobKind::connect, 100ms));
  EXPECT_EQ(queue.due(kLive), std::nullopt);
  queue.start_connecting();
  EXPECT_EQ(queue.due(JobKind::connect), std::nullopt);
  queue.finished(JobKind::connect, outcome(Verdict::done), at(200ms));
  EXPECT_TRUE(is_due(kLive, 200ms));
  EXPECT_EQ(queue.due(JobKind::connect), std::nullopt);
}

TEST_F(Unconnected, ConnectsWhileTheSourceIsCrawled) {
  queue.set_activity(Activity::connecting);
  queue.want_full(at(0ms));
  EXPECT_TRUE(is_due(JobKind::connect, 0ms));
  connect(queue, at(0ms));
  EXPECT_EQ(queue.due(kFull), std::nullopt);
  EXPECT_EQ(queue.state(at(0ms)), TargetState::waiting);
  queue.set_activity(Activity::all);
  EXPECT_TRUE(is_due(kFull, 0ms));
}

TEST_F(Unconnected, AConnectionThatIsLostMeanwhileIsNotMadeAgainAtOnce) {
  queue.set_activity(Activity::connecting);
  queue.want_full(at(0ms));
  connect(queue, at(0ms));
  queue.disconnected(at(1ms));
  EXPECT_FALSE(is_due(JobKind::connect, 1ms));
  EXPECT_TRUE(is_due(JobKind::connect, 2s));
}

TEST_F(Unconnected, NoAttemptIsNearWhileTheSourceIsCrawled) {
  changed(0ms);
  connect(queue, at(100ms));
  queue.start_live();
  queue.finished(kLive, outcome(Verdict::partial), at(200ms));
  queue.set_activity(Activity::connecting);
  EXPECT_EQ(queue.state(at(10s)), TargetState::retrying);
  EXPECT_EQ(queue.next_attempt(), std::nullopt) << "the end of a crawl has no time";
  queue.disconnected(at(10s));
  EXPECT_GT(queue.next_attempt(), at(10s));
}

TEST_F(Unconnected, AFailedConnectionIsAFailureOfTheTarget) {
  queue.want_full(at(0ms));
  queue.start_connecting();
  queue.finished(JobKind::connect, outcome(Verdict::failed), at(10ms));
  EXPECT_EQ(queue.failures(), 1u);
  EXPECT_EQ(queue.state(at(20ms)), TargetState::retrying);
  EXPECT_FALSE(is_due(JobKind::connect, 700ms));
  EXPECT_TRUE(is_due(JobKind::connect, 1300ms));
  queue.start_connecting();
  queue.finished(JobKind::connect, outcome(Verdict::done), at(1400ms));
  EXPECT_TRUE(is_due(kFull, 1400ms));
  EXPECT_EQ(queue.failures(), 1u) << "only what arrives there makes it well";
}

TEST_F(Unconnected, AHostThatAnswersAgainIsNotWaitedFor) {
  changed(0ms);
  queue.start_connecting();
  queue.finished(JobKind::connect, outcome(Verdict::failed), at(100ms));
  queue.reachable(at(200ms));
  EXPECT_TRUE(is_due(JobKind::connect, 200ms));
}

TEST_F(Story, AFailureMeansConnectingAnew) {
  changed(0ms, "a");
  start_live(100ms);
  queue.finished(kLive, outcome(Verdict::failed), at(200ms));
  EXPECT_FALSE(queue.connected());
  EXPECT_EQ(queue.due(kLive), std::nullopt);
  EXPECT_TRUE(is_due(JobKind::connect, 2s));
}

TEST_F(Story, AStandbyIsWorthWhileForAMinuteAfterASuccess) {
  EXPECT_EQ(queue.standby_until(), std::nullopt);
  changed(0ms, "a");
  EXPECT_EQ(queue.standby_until(), std::nullopt) << "nothing has arrived there yet";
  run_live(100ms, 200ms, Verdict::done);
  EXPECT_EQ(queue.standby_until(), at(60s + 200ms));
  changed(30s, "a");
  EXPECT_EQ(queue.standby_until(), at(90s));
  queue.set_paused(true);
  EXPECT_EQ(queue.standby_until(), std::nullopt);
  queue.set_paused(false);
  queue.standby_died();
  EXPECT_EQ(queue.standby_until(), std::nullopt) << "the next one would die too";
  run_live(31s, 32s, Verdict::done);
  EXPECT_EQ(queue.standby_until(), at(92s));
  changed(33s, "b");
  run_live(34s, 35s, Verdict::failed);
  EXPECT_EQ(queue.standby_until(), std::nullopt);
}

TEST_F(Story, AFileThatFailsTakesNoStandbyAway) {
  changed(0ms, "unreadable");
  run_live(100ms, 200ms, Verdict::partial);
  EXPECT_TRUE(queue.troubled());
  EXPECT_NE(queue.standby_until(), std::nullopt);
}

TEST_F(Story, AComparisonCountsBeforeItDeletes) {
  queue.want_full(at(0ms));
  EXPECT_EQ(queue.start_full(), Deletions::counted);
  finish(1s, kFull, Verdict::withheld);
  EXPECT_TRUE(is_due(kFull, 1s)) << "at once";
  EXPECT_EQ(queue.start_full(), Deletions::limited);
  finish(2s, kFull, Verdict::done);
  EXPECT_EQ(state(2s), TargetState::idle);
  queue.want_full(at(3s));
  EXPECT_EQ(queue.start_full(), Deletions::counted) << "the next one counts again";
}

TEST_F(Story, AHeldTargetWaitsForApprovalButNotWithItsChanges) {
  queue.want_full(at(0ms));
  queue.start_full();
  finish(1s, kFull, Verdict::held);
  EXPECT_EQ(state(1s), TargetState::held);
  EXPECT_EQ(queue.due(kFull), std::nullopt);
  EXPECT_EQ(queue.oldest_pending(), at(0ms)) << "it is not in sync";
  changed(2s, "a");
  EXPECT_EQ(run_live(3s, 4s, Verdict::done), Paths{"a"});
  EXPECT_EQ(state(4s), TargetState::held);
  EXPECT_TRUE(queue.approve(at(5s)));
  EXPECT_TRUE(is_due(kFull, 5s));
  EXPECT_EQ(queue.start_full(), Deletions::free);
  finish(6s, kFull, Verdict::done);
  EXPECT_EQ(state(6s), TargetState::idle);
  EXPECT_FALSE(queue.approve(at(7s))) << "there is nothing to approve";
}

TEST_F(Story, ACountThatChangesHaveDisturbedHoldsNothing) {
  queue.want_full(at(0ms));
  queue.start_full();
  changed(100ms, "deleted");
  finish(1s, kFull, Verdict::held);
  EXPECT_FALSE(queue.full().held()) << "it has counted what was seen to be deleted";
  EXPECT_FALSE(queue.troubled());
  EXPECT_EQ(run_live(1s, 1500ms, Verdict::done), Paths{"deleted"});
  EXPECT_TRUE(is_due(kFull, 2300ms));
  EXPECT_EQ(queue.start_full(), Deletions::counted);
  finish(3s, kFull, Verdict::held);
  EXPECT_TRUE(queue.full().held()) << "nothing has disturbed that one";
}

TEST_F(Story, ACountBesideABatchThatWasOnItsWayHoldsNothing) {
  changed(0ms, "deleted");
  queue.want_full(at(100ms));
  queue.start_live();
  queue.start_full();
  finish(200ms, kLive, Verdict::done);
  finish(1s, kFull, Verdict::held);
  EXPECT_FALSE(queue.full().held()) << "it has counted what was seen to be deleted";
}

TEST_F(Story, ABusySourceIsNotCountedForEver) {
  queue.want_full(at(0ms));
  int counts = 0;
  for (Duration now = 0s; !queue.full().held(); now += 1min, ++counts) {
    ASSERT_LT(counts, 10);
    queue.start_full();
    changed(now, "file");
    finish(now + 1s, kFull, Verdict::held);
  }
  EXPECT_EQ(counts, 4);
}

TEST_F(Story, AHeldTargetIsReleasedByAComparisonThatFindsLess) {
  queue.want_full(at(0ms));
  queue.start_full();
  finish(1s, kFull, Verdict::held);
  queue.want_full(at(2s));
  EXPECT_EQ(queue.start_full(), Deletions::counted);
  finish(3s, kFull, Verdict::done);
  EXPECT_EQ(state(3s), TargetState::idle);
}

TEST_F(Story, WhatAHeldComparisonCouldNotSendIsTriedAgain) {
  queue.want_full(at(0ms));
  queue.start_full();
  Outcome held = unsent(Verdict::held, {"secret"});
  queue.finished(kFull, held, at(1s));
  EXPECT_EQ(state(1s), TargetState::held);
  EXPECT_EQ(run_live(3s, 4s, Verdict::done), Paths{"secret"});
  EXPECT_EQ(state(4s), TargetState::held);
}

TEST_F(Story, AHeldComparisonThatFailedSomewhereIsRepeated) {
  queue.want_full(at(0ms));
  queue.start_full();
  Outcome held = outcome(Verdict::held);
  held.unsent.reset();
  queue.finished(kFull, held, at(1s));
  EXPECT_EQ(state(1s), TargetState::held);
  EXPECT_FALSE(is_due(kFull, 1s));
  EXPECT_TRUE(is_due(kFull, 3s));
  queue.approve(at(2s));
  EXPECT_NE(state(2s), TargetState::held) << "an approval ends the wait";
  EXPECT_TRUE(is_due(kFull, 2s));
  EXPECT_EQ(queue.start_full(), Deletions::free);
}

TEST_F(Story, ATargetIsComparedWhenItsFirstComparisonIsComplete) {
  EXPECT_FALSE(queue.full().completed());
  queue.want_full(at(0ms));
  queue.start_full();
  EXPECT_FALSE(queue.full().completed());
  finish(1s, kFull, Verdict::withheld);
  EXPECT_FALSE(queue.full().completed());
  queue.start_full();
  finish(2s, kFull, Verdict::done);
  EXPECT_TRUE(queue.full().completed());
  queue.want_full(at(3s));
  queue.start_full();
  finish(4s, kFull, Verdict::held);
  EXPECT_TRUE(queue.full().completed()) << "what is held back is told otherwise";
  EXPECT_TRUE(queue.full().held());
}

TEST_F(Story, TreesAndDataTravelApartUntilTheGuardHasPassedTheTarget) {
  changed(-1s, "moved in", ChangeKind::tree);
  changed(-1s, "written");
  EXPECT_FALSE(queue.full().passed_guard()) << "it was never compared";
  EXPECT_EQ(run_live(-500ms, -400ms, Verdict::done).size(), 1u);
  EXPECT_EQ(run_live(-300ms, -200ms, Verdict::done).size(), 1u);
  queue.want_full(at(0ms));
  start_full(0ms);
  finish(1s, kFull, Verdict::held);
  EXPECT_FALSE(queue.full().passed_guard()) << "it is held";
  changed(2s, "moved in", ChangeKind::tree);
  changed(2s, "written");
  EXPECT_EQ(run_live(3s, 4s, Verdict::done).size(), 1u);
  EXPECT_EQ(run_live(5s, 6s, Verdict::done).size(), 1u);
  queue.approve(at(7s));
  start_full(7s);
  finish(8s, kFull, Verdict::done);
  EXPECT_TRUE(queue.full().passed_guard());
  changed(9s, "moved in", ChangeKind::tree);
  changed(9s, "written");
  EXPECT_EQ(run_live(10s, 11s, Verdict::done).size(), 2u);
}

TEST_F(Story, OfAWithheldBatchOnlyWhatIsUnsentIsTriedAgain) {
  for (const auto& unsent :
       {std::optional(Paths{}), std::optional(Paths{"a"}), std::optional<Paths>()}) {
    changed(0ms, "a");
    changed(0ms, "b");
    start_live(1s);
    Outcome withheld = outcome(Verdict::withheld);
    withheld.unsent = unsent;
    queue.finished(kLive, withheld, at(1s));
    EXPECT_EQ(queue.pending(), unsent ? unsent->size() : 2u);
    if (queue.pending() != 0) run_live(1min, 1min, Verdict::done);
  }
}

TEST_F(Story, AnApprovalOutlivesAFailure) {
  queue.want_full(at(0ms));
  queue.start_full();
  finish(1s, kFull, Verdict::held);
  queue.approve(at(2s));
  queue.start_full();
  finish(3s, kFull, Verdict::failed);
  EXPECT_EQ(state(3s), TargetState::retrying);
  EXPECT_TRUE(is_due(kFull, 10s));
  EXPECT_EQ(queue.start_full(), Deletions::free);
}

TEST_F(Story, OnlyWhatFailedIsTriedAgain) {
  changed(0ms, "a");
  changed(0ms, "b/c");
  changed(0ms, "d");
  start_live(100ms);
  Outcome partial = unsent(Verdict::partial, {"b"});
  queue.finished(kLive, partial, at(200ms));
  EXPECT_EQ(queue.pending(), 1u);
  EXPECT_EQ(run_live(3s, 4s, Verdict::done), Paths{"b/c"});
}

TEST_F(Story, WhatHoldsOrIsHeldByWhatFailedIsTriedAgain) {
  for (const char* path : {"a", "a-b", "b/c", "b/c.d", "b/c/d/e", "b/cc"})
    changed(0ms, path, ChangeKind::attributes);
  start_live(100ms);
  Outcome partial = unsent(Verdict::partial, {"a/b", "b/c/d"});
  queue.finished(kLive, partial, at(200ms));
  EXPECT_EQ(run_live(3s, 4s, Verdict::done), (Paths{"a", "b/c", "b/c/d/e"}));
}

TEST_F(Story, AFailedPathThatNobodyAskedForMakesAllDoubtful) {
  changed(0ms, "a");
  changed(0ms, "b");
  start_live(100ms);
  Outcome partial = unsent(Verdict::partial, {"a", "x"});
  queue.finished(kLive, partial, at(200ms));
  EXPECT_EQ(queue.pending(), 2u);
}

TEST_F(Story, WhatIsStuckBelowATreeThatChangesGoesAlongWithIt) {
  changed(0ms, "link/a");
  run_live(100ms, 200ms, Verdict::partial);
  changed(300ms, "link", ChangeKind::tree);
  EXPECT_EQ(queue.pending(), 1u);
  EXPECT_EQ(queue.oldest_pending(), at(0ms));
  run_live(400ms, 500ms, Verdict::done);
  EXPECT_EQ(state(500ms), TargetState::idle);
}

TEST_F(Story, AndWhatFailsBelowATreeThatHasChanged) {
  changed(0ms, "link/a");
  start_live(100ms);
  changed(150ms, "link", ChangeKind::tree);
  finish(200ms, kLive, Verdict::partial);
  EXPECT_EQ(queue.pending(), 1u);
  EXPECT_EQ(queue.oldest_pending(), at(0ms));
}

TEST_F(Story, WhatSkippedDeletionsIsComparedAgain) {
  Outcome partial = unsent(Verdict::partial, {"tree/link"});
  partial.deleted_part = true;
  queue.want_full(at(0ms));
  queue.start_full();
  queue.finished(kFull, partial, at(1s));
  EXPECT_TRUE(queue.full().wanted());
  EXPECT_FALSE(is_due(kFull, 1s)) << "after a while";
  EXPECT_FALSE(queue.full().passed_guard()) << "nothing was judged";
  start_full(3s);
  finish(4s, kFull, Verdict::done);
  for (const char* tree : {"tree", "other"}) changed(5s, tree, ChangeKind::tree);
  start_live(6s);
  queue.finished(kLive, partial, at(7s));
  EXPECT_EQ(queue.pending(), 2u);
}

TEST_F(Story, ACountOfAPartAllowsNothing) {
  Outcome part = unsent(Verdict::withheld, {"tree/link"});
  part.deleted_part = true;
  queue.want_full(at(0ms));
  Duration now = 0ms;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(queue.start_full(), Deletions::counted);
    queue.finished(kFull, part, at(now));
    EXPECT_FALSE(is_due(kFull, now));
    ASSERT_TRUE(is_due(kFull, now += 1h));
  }
}

TEST_F(Story, AnApprovalIsForOneRun) {
  queue.want_full(at(0ms));
  start_full(0ms);
  finish(1s, kFull, Verdict::held);
  queue.approve(at(2s));
  EXPECT_EQ(queue.start_full(), Deletions::free);
  Outcome part = unsent(Verdict::partial, {"tree/link"});
  part.deleted_part = true;
  queue.finished(kFull, part, at(3s));
  ASSERT_TRUE(is_due(kFull, 1h));
  EXPECT_EQ(queue.start_full(), Deletions::counted);
}

/// Something cannot be listed, in four comparisons in a row.
class Unlistable : public Story {
 protected:
  Unlistable() {
    partial.deleted_part = true;
    queue.want_full(at(0ms));
    for (int i = 0; i < 4; ++i) compare_in_part();
  }
  void compare_in_part() {
    start_full(now += 1h);
    queue.finished(kFull, partial, at(now));
  }

  Outcome partial = unsent(Verdict::partial, {"locked"});
  Duration now = 0ms;
};

TEST_F(Unlistable, HoldsUpNothingElse) {
  EXPECT_FALSE(queue.full().wanted());
  EXPECT_EQ(queue.pending(), 1u);
  EXPECT_EQ(state(now), TargetState::retrying);
}

TEST_F(Unlistable, LeavesOutDeletionsThatAreMadeUpForOnceAllCanBeListed) {
  EXPECT_TRUE(queue.full().completed());
  EXPECT_FALSE(queue.full().passed_guard()) << "what is too much was not counted";
  run_live(now += 1h, now, Verdict::partial);
  EXPECT_FALSE(queue.full().wanted()) << "it would leave out the same";
  run_live(now += 1h, now, Verdict::done);
  ASSERT_TRUE(queue.full().wanted());
  compare_in_part();
  EXPECT_FALSE(queue.full().wanted()) << "one for each time that all can be listed, or seems to be";
  run_live(now += 1h, now, Verdict::done);
  start_full(now += 1h);
  finish(now, kFull, Verdict::done);
  EXPECT_EQ(state(now), TargetState::idle);
}

TEST_F(Story, AComparisonThatNamesItsFailuresIsDoneForTheRest) {
  queue.want_full(at(0ms));
  queue.start_full();
  Outcome partial = unsent(Verdict::partial, {"secret"});
  queue.finished(kFull, partial, at(1s));
  EXPECT_FALSE(queue.full().wanted());
  EXPECT_EQ(state(1s), TargetState::retrying);
  EXPECT_EQ(run_live(3s, 4s, Verdict::done), Paths{"secret"});
  EXPECT_EQ(state(4s), TargetState::idle);
}

TEST_F(Story, OfAReplacedSourceNothingWasSeenToBeDeleted) {
  queue.want_full(at(0ms));
  start_full(0ms);
  finish(1s, kFull, Verdict::done);
  changed(2s, "running");
  start_live(2100ms);
  changed(2200ms, "deleted");
  queue.source_replaced(false, at(3s));
  queue.give_back(kLive, at(3100ms));
  EXPECT_EQ(queue.pending(), 0u);
  EXPECT_FALSE(queue.full().passed_guard());
  EXPECT_EQ(queue.oldest_pending(), at(2s));
  ASSERT_TRUE(is_due(kFull, 3100ms));
  EXPECT_EQ(queue.start_full(), Deletions::counted);
  finish(4s, kFull, Verdict::done);
  EXPECT_TRUE(queue.full().passed_guard());
}

TEST_F(Story, ThatASourceWasRepointedIsSeen) {
  queue.source_replaced(true, at(0ms));
  EXPECT_EQ(queue.start_full(), Deletions::counted) << "the target was never judged";
  finish(1s, kFull, Verdict::done);
  queue.source_replaced(true, at(2s));
  EXPECT_FALSE(queue.full().passed_guard());
  EXPECT_EQ(queue.start_full(), Deletions::seen);
  finish(3s, kFull, Verdict::failed);
  ASSERT_TRUE(is_due(kFull, 10s));
  EXPECT_EQ(queue.start_full(), Deletions::seen) << "still, after a failure";
  finish(11s, kFull, Verdict::done);
  queue.want_full(at(12s));
  EXPECT_EQ(queue.start_full(), Deletions::counted);
}

TEST_F(Story, ThatItIsRepointedAgainBeforeTheComparisonIsSeenToo) {
  queue.want_full(at(0ms));
  start_full(0ms);
  finish(1s, kFull, Verdict::done);
  queue.source_replaced(true, at(2s));
  queue.source_replaced(true, at(3s));
  EXPECT_EQ(queue.start_full(), Deletions::seen);
}

TEST_F(Story, ADoubtEndsALimitThatWasCountedBefore) {
  queue.want_full(at(0ms));
  start_full(0ms);
  finish(1s, kFull, Verdict::withheld);
  EXPECT_EQ(queue.start_full(), Deletions::limited);
  queue.doubt(at(2s));
  queue.give_back(kFull, at(3s));
  EXPECT_EQ(queue.start_full(), Deletions::counted);
}

TEST_F(Story, ABigTreeThatFailsIsHeldOffLongerAndLonger) {
  changed(0ms, "tree", ChangeKind::tree);
  Duration now = 100ms, least = 0s;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(start_live(now), Paths{"tree"});
    queue.set_aside({"tree"});
    queue.give_back(kLive, at(now));
    EXPECT_EQ(queue.start_big().paths, Paths{"tree"});
    EXPECT_EQ(i > 0, queue.troubled());
    finish(now, JobKind::big, Verdict::partial);
    run_live(now + 100ms, now + 100ms, Verdict::done);  // its directory
    EXPECT_TRUE(queue.troubled()) << "one clean batch does not mend it";
    EXPECT_GT(wait(now), least);
    least = wait(now);
    now += wait(now);
  }
}

TEST_F(Story, ADoubtEndsWhatWasSeen) {
  queue.want_full(at(0ms));
  start_full(0ms);
  finish(1s, kFull, Verdict::done);
  queue.source_replaced(true, at(2s));
  queue.doubt(at(2100ms));
  EXPECT_FALSE(queue.full().passed_guard());
  EXPECT_EQ(queue.start_full(), Deletions::counted);
}

TEST_F(Story, AChangeThatWasHeldBackHasWaitedAlready) {
  queue.changed("log", ChangeKind::data, at(5s), at(4s));
  EXPECT_TRUE(is_due(kLive, 5s)) << "for as long as max_delay";
  EXPECT_EQ(queue.oldest_pending(), at(4s));
}

TEST_F(Story, WhatIsNoDirectoryIsNextAsData) {
  for (const char* path : {"dir", "file"}) changed(0ms, path, ChangeKind::tree);
  start_live(100ms);
  queue.put_back(kLive, {"file"});
  EXPECT_EQ(queue.paths_of(kLive), Paths{"dir"});
  finish(200ms, kLive, Verdict::done);
  ASSERT_TRUE(is_due(kLive, 200ms)) << "it has settled";
  const Batch next = queue.start_live();
  EXPECT_EQ(next.kind, ChangeKind::data);
  EXPECT_EQ(next.paths, Paths{"file"});
  EXPECT_EQ(next.oldest, at(0ms));
}

TEST_F(Story, BigFilesHoldUpNoSmallOnes) {
  changed(0ms, "d/big");
  changed(0ms, "small");
  EXPECT_EQ(start_live(100ms), (Paths{"d/big", "small"}));
  queue.set_aside({"d/big"});
  EXPECT_EQ(queue.pending(), 2u);
  EXPECT_TRUE(is_due(JobKind::big, 100ms));
  EXPECT_EQ(queue.start_big().paths, Paths{"d/big"});
  finish(200ms, kLive, Verdict::done);
  changed(300ms, "small");
  EXPECT_EQ(run_live(400ms, 500ms, Verdict::done), Paths{"small"});
  EXPECT_EQ(state(500ms), TargetState::syncing);
  finish(1h, JobKind::big, Verdict::done);
  EXPECT_EQ(run_live(1h + 100ms, 1h + 200ms, Verdict::done), Paths{"d"})
      << "its directory has got an old time";
  EXPECT_EQ(state(1h + 200ms), TargetState::idle);
}

TEST_F(Story, ABigFileThatIsDeletedMeanwhileDoesNotComeBack) {
  changed(0ms, "big");
  start_live(100ms);
  queue.set_aside({"big"});
  finish(100ms, kLive, Verdict::done);
  queue.start_big();
  changed(200ms, "big");
  EXPECT_EQ(run_live(300ms, 400ms, Verdict::done), Paths{"big"}) << "deletes it";
  finish(1min, JobKind::big, Verdict::done);
  EXPECT_EQ(run_live(1min + 100ms, 1min + 200ms, Verdict::done), Paths{"big"}) << "again";
}

TEST_F(Story, WhatChangesInABigTreeMeanwhileIsSentAgain) {
  changed(0ms, "tree", ChangeKind::tree);
  EXPECT_EQ(start_live(100ms), Paths{"tree"});
  queue.set_aside({"tree"});
  finish(100ms, kLive, Verdict::done);
  const Batch big = queue.start_big();
  EXPECT_EQ(big.kind, ChangeKind::tree);
  EXPECT_EQ(big.paths, Paths{"tree"});
  changed(200ms, "tree/file");
  EXPECT_EQ(run_live(300ms, 400ms, Verdict::done), Paths{"tree/file"}) << "at once";
  finish(1min, JobKind::big, Verdict::done);
  EXPECT_TRUE(queue.may_lack("tree/file")) << "what it brought may be older";
  EXPECT_EQ(run_live(1min + 100ms, 1min + 200ms, Verdict::done), Paths{"tree/file"});
}

TEST_F(Story, ABigFileMayBeMissingUntilItHasArrived) {
  changed(0ms, "big");
  EXPECT_TRUE(queue.may_lack("big"));
  start_live(100ms);
  queue.set_aside({"big"});
  finish(100ms, kLive, Verdict::done);
  EXPECT_TRUE(queue.may_lack("big")) << "it waits";
  EXPECT_FALSE(queue.may_lack("small"));
  queue.start_big();
  EXPECT_TRUE(queue.may_lack("big")) << "it is on its way";
  finish(1min, JobKind::big, Verdict::done);
  run_live(1min + 100ms, 1min + 200ms, Verdict::done);
  EXPECT_FALSE(queue.may_lack("big"));
}

TEST_F(Story, WhatADirectoryHasMayBeMissingWhileThatIsCompared) {
  changed(0ms, "dir", ChangeKind::children);
  EXPECT_TRUE(queue.may_lack("dir/file"));
  start_live(100ms);
  EXPECT_TRUE(queue.may_lack("dir/file"));
  EXPECT_FALSE(queue.may_lack("dir/sub/file"));
  finish(200ms, kLive, Verdict::done);
  EXPECT_FALSE(queue.may_lack("dir/file"));
}

TEST_F(Story, ABigFileThatFailsIsTriedAgain) {
  changed(0ms, "big");
  start_live(100ms);
  queue.set_aside({"big"});
  finish(100ms, kLive, Verdict::done);
  queue.start_big();
  finish(1s, JobKind::big, Verdict::failed);
  EXPECT_EQ(state(1s), TargetState::retrying);
  EXPECT_EQ(queue.pending(), 2u) << "the file, and its directory's times";
}

TEST_F(Story, AnApprovalIsForOneComparison) {
  queue.want_full(at(0ms));
  queue.start_full();
  finish(1s, kFull, Verdict::held);
  queue.approve(at(2s));
  EXPECT_EQ(queue.start_full(), Deletions::free);
  Outcome partial = unsent(Verdict::partial, {"secret"});
  queue.finished(kFull, partial, at(3s));
  EXPECT_FALSE(queue.full().held());
  queue.want_full(at(4s));
  EXPECT_EQ(queue.start_full(), Deletions::counted);
}

TEST_F(Story, AnApprovalDuringACountIsForTheNextRun) {
  queue.want_full(at(0ms));
  queue.start_full();
  finish(1s, kFull, Verdict::held);
  for (Verdict ends : {Verdict::held, Verdict::withheld, Verdict::failed}) {
    queue.want_full(at(2s));
    EXPECT_EQ(queue.start_full(), Deletions::counted);
    EXPECT_TRUE(queue.approve(at(3s)));
    finish(4s, kFull, ends);
    EXPECT_EQ(queue.start_full(), Deletions::free);
    finish(5s, kFull, Verdict::held);
    EXPECT_EQ(queue.due(kFull), std::nullopt) << "it was for one run";
  }
}

TEST_F(Story, AnApprovalOfWhatHasGoneLapses) {
  queue.want_full(at(0ms));
  queue.start_full();
  finish(1s, kFull, Verdict::held);
  queue.want_full(at(2s));
  queue.start_full();
  queue.approve(at(3s));
  finish(4s, kFull, Verdict::done);
  EXPECT_EQ(queue.start_full(), Deletions::counted);
}

TEST_F(Story, AttributesThatCannotBeSetHoldNothingElseBack) {
  Outcome partial = outcome(Verdict::partial);
  partial.unsent.emplace();
  partial.unset = {""};
  queue.want_full(at(0ms));
  queue.start_full();
  queue.finished(kFull, partial, at(1s));
  EXPECT_FALSE(queue.full().wanted());
  changed(1100ms, "a");
  EXPECT_EQ(start_live(1200ms), Paths{"a"});
  queue.finished(kLive, partial, at(1300ms));
  EXPECT_EQ(queue.pending(), 1u);
  const Batch batch = queue.start_live();
  EXPECT_EQ(batch.kind, ChangeKind::attributes);
  EXPECT_EQ(batch.paths, Paths{""});
}

}  // namespace
}  // namespace mirrord
