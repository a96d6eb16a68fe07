// SyncedUpTo must never promise too much: no change that the target lacks may be older than
// oldest_pending().
#include "core/target_queue.hpp"

#include <gtest/gtest.h>

namespace mirrord {
namespace {

using namespace std::chrono_literals;

Instant at(Duration since_start) { return Instant(1h + since_start); }

class Lag : public testing::Test {
 protected:
  Lag() { queue.set_activity(Activity::all); }
  void expect_at_most(Duration when) const {
    ASSERT_TRUE(queue.oldest_pending());
    EXPECT_LE(*queue.oldest_pending(), at(when));
  }
  void finish(Duration when, JobKind kind, Verdict verdict) {
    Outcome outcome;
    outcome.verdict = verdict;
    queue.finished(kind, outcome, at(when));
  }
  TargetQueue queue{{100ms, 1s, {1s, 1min}}, 1};
};

TEST_F(Lag, IsTheFirstChangeUntilARunThatBeganAfterItIsDone) {
  queue.changed("a", ChangeKind::data, at(0ms));
  queue.changed("b", ChangeKind::data, at(50ms));
  EXPECT_EQ(queue.oldest_pending(), at(0ms));
  queue.start_live();
  EXPECT_EQ(queue.oldest_pending(), at(0ms));
  queue.changed("a", ChangeKind::data, at(200ms));
  finish(300ms, JobKind::live, Verdict::done);
  EXPECT_EQ(queue.oldest_pending(), at(200ms));
}

TEST_F(Lag, SurvivesFailures) {
  for (Verdict verdict : {Verdict::failed, Verdict::partial, Verdict::again}) {
    queue = TargetQueue({100ms, 1s, {1s, 1min}}, 1);
    queue.set_activity(Activity::all);
    queue.changed("a", ChangeKind::data, at(0ms));
    queue.start_live();
    queue.changed("a", ChangeKind::tree, at(150ms));
    finish(300ms, JobKind::live, verdict);
    expect_at_most(0ms);
  }
}

TEST_F(Lag, SurvivesAStrongerChangeOfTheSamePath) {
  queue.changed("a", ChangeKind::attributes, at(0ms));
  queue.changed("a", ChangeKind::data, at(10ms));
  expect_at_most(0ms);
  queue.changed("", ChangeKind::tree, at(20ms));
  expect_at_most(0ms);
}

TEST_F(Lag, SurvivesTheCollapseIntoAFullSync) {
  queue.changed("first", ChangeKind::data, at(0ms));
  for (size_t i = 0; i < DirtySet::kLimit; ++i)
    queue.changed(std::to_string(i) + "/file", ChangeKind::data, at(500ms));
  ASSERT_TRUE(queue.full().wanted());
  expect_at_most(0ms);
}

TEST_F(Lag, AFullSyncWantedDuringAnotherDoesNotHideTheFirst) {
  queue.want_full(at(0ms));
  queue.start_full();
  queue.want_full(at(10ms));
  expect_at_most(0ms);
  finish(20ms, JobKind::full, Verdict::failed);
  expect_at_most(0ms);
}

TEST_F(Lag, AfterAFullSyncIsThatOfWhatChangedMeanwhile) {
  queue.want_full(at(0ms));
  queue.start_full();
  queue.changed("a", ChangeKind::data, at(10ms));
  queue.start_live();
  finish(200ms, JobKind::live, Verdict::done);
  expect_at_most(0ms);
  finish(300ms, JobKind::full, Verdict::done);
  expect_at_most(10ms);
}

}  // namespace
}  // namespace mirrord
