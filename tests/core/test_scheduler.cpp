#include "core/scheduler.hpp"

#include <gtest/gtest.h>

namespace mirrord {
namespace {

using namespace std::chrono_literals;

Instant at(Duration since_start) { return Instant(1h + since_start); }

using Started = std::vector<std::pair<TargetId, JobKind>>;

class Schedule : public testing::Test {
 protected:
  TargetId add_target() {
    TargetId id = scheduler.add({100ms, 1s, {1s, 1min}});
    scheduler.queue(id).set_activity(Activity::all);
    connect(id);
    return id;
  }
  void changed(Duration when, TargetId id) {
    scheduler.queue(id).changed("file", ChangeKind::data, at(when));
  }
  Started start(Duration when) {
    Started started;
    for (const Job& job : scheduler.due(at(when))) started.emplace_back(job.target, job.kind);
    return started;
  }
  void finish(Duration when, TargetId id, JobKind kind = JobKind::live,
              Verdict verdict = Verdict::done) {
    Outcome outcome;
    outcome.verdict = verdict;
    scheduler.finished(id, kind, outcome, at(when));
    connect(id);
  }
  /// Most schedules are not about connecting.
  void connect(TargetId id) {
    if (scheduler.queue(id).connected()) return;
    Outcome done;
    done.verdict = Verdict::done;
    scheduler.queue(id).start_connecting();
    scheduler.queue(id).finished(JobKind::connect, done, at(0s));
  }
  /// A change, and its transfer.
  void use(TargetId id, Duration when) {
    changed(when - 200ms, id);
    start(when - 100ms);
    finish(when, id);
  }
  std::vector<TargetId> standbys(Duration when, TargetId waiting = 0) {
    return scheduler.standbys(at(when), [&](TargetId id) { return id == waiting; });
  }
  static std::pair<TargetId, JobKind> live(TargetId id) { return {id, JobKind::live}; }
  static std::pair<TargetId, JobKind> full(TargetId id) { return {id, JobKind::full}; }

  Scheduler scheduler{2};
};

TEST_F(Schedule, StartsWhatIsDue) {
  TargetId web = add_target();
  EXPECT_EQ(scheduler.next_wakeup(), std::nullopt);
  changed(0ms, web);
  EXPECT_EQ(scheduler.next_wakeup(), at(100ms));
  EXPECT_EQ(start(99ms), Started{});
  auto jobs = scheduler.due(at(100ms));
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(jobs[0].batch.paths, std::vector<std::string>{"file"});
  EXPECT_EQ(scheduler.running(), 1u);
  EXPECT_EQ(scheduler.next_wakeup(), std::nullopt);
  finish(200ms, web);
  EXPECT_EQ(scheduler.running(), 0u);
}

TEST_F(Schedule, TheTargetsUsedLastAreTheFirstToHaveAStandby) {
  TargetId a = add_target(), b = add_target(), c = add_target();
  Duration now = 1s;
  for (TargetId id : {c, a, b}) use(id, now += 1s);
  EXPECT_EQ(standbys(5s), (std::vector{b, a, c}));
  EXPECT_EQ(standbys(62500ms), (std::vector{b, a})) << "a minute without use";
}

TEST_F(Schedule, AStandbyMakesWayOnlyForATargetUsedMuchLater) {
  TargetId a = add_target(), b = add_target();
  use(a, 1s);
  use(b, 2s);
  EXPECT_EQ(standbys(3s, a), (std::vector{a, b})) << "they take turns";
  use(b, 12s);
  EXPECT_EQ(standbys(13s, a), (std::vector{b, a}));
}

TEST_F(Schedule, GivesSlotsInTheOrderOfBecomingDue) {
  TargetId a = add_target(), b = add_target(), c = add_target(), d = add_target();
  changed(30ms, a);
  changed(20ms, b);
  changed(0ms, d);
  changed(10ms, c);
  EXPECT_EQ(start(1s), (Started{live(d), live(c)}));
  EXPECT_EQ(start(2s), Started{});
  EXPECT_EQ(scheduler.next_wakeup(), std::nullopt) << "only an end helps";
  EXPECT_EQ(scheduler.queue(b).state(at(2s)), TargetState::waiting);
  finish(3s, d);
  EXPECT_EQ(start(3s), Started{live(b)});
  finish(4s, c);
  EXPECT_EQ(start(4s), Started{live(a)});
}

TEST_F(Schedule, ABusyTargetStarvesNoOther) {
  scheduler.set_max_transfers(1);
  TargetId busy = add_target(), quiet = add_target();
  changed(0ms, busy);
  EXPECT_EQ(start(100ms), Started{live(busy)});
  changed(110ms, quiet);
  changed(150ms, busy);
  finish(500ms, busy);
  EXPECT_EQ(start(500ms), Started{live(quiet)}) << "due at 210 ms, before 250 ms";
}

TEST_F(Schedule, AFullSyncTakesASlotOfItsOwn) {
  TargetId web = add_target();
  scheduler.queue(web).want_full(at(0ms));
  changed(0ms, web);
  EXPECT_EQ(start(0ms), Started{full(web)});
  EXPECT_EQ(start(100ms), Started{live(web)});
  EXPECT_EQ(scheduler.running(), 2u);
  finish(200ms, web, JobKind::full);
  EXPECT_EQ(scheduler.running(), 1u);
}

TEST_F(Schedule, AFailingTargetIsTriedWithOneJobOfARound) {
  TargetId web = add_target();
  changed(0ms, web);
  start(100ms);
  finish(200ms, web, JobKind::live, Verdict::failed);
  scheduler.queue(web).want_full(at(200ms));
  EXPECT_EQ(start(10s).size(), 1u);
  EXPECT_EQ(scheduler.running(), 1u);
}

TEST_F(Schedule, ADeadTargetDelaysNoOther) {
  scheduler.set_max_transfers(1);
  TargetId dead = add_target(), sound = add_target();
  changed(0ms, dead);
  start(100ms);
  finish(110ms, dead, JobKind::live, Verdict::failed);
  changed(120ms, sound);
  EXPECT_EQ(scheduler.next_wakeup(), at(220ms));
  EXPECT_EQ(start(220ms), Started{live(sound)});
}

TEST_F(Schedule, WakesForTheFirstOfAll) {
  TargetId a = add_target(), b = add_target();
  changed(50ms, a);
  EXPECT_EQ(scheduler.next_wakeup(), at(150ms));
  changed(0ms, b);
  EXPECT_EQ(scheduler.next_wakeup(), at(100ms));
  scheduler.queue(b).set_paused(true);
  EXPECT_EQ(scheduler.next_wakeup(), at(150ms));
}

TEST_F(Schedule, ARemovedTargetGivesItsSlotsBack) {
  TargetId a = add_target(), b = add_target();
  changed(0ms, a);
  scheduler.queue(a).want_full(at(0ms));
  EXPECT_EQ(start(100ms).size(), 2u);
  changed(200ms, b);
  EXPECT_EQ(start(300ms), Started{});
  scheduler.remove(a);
  EXPECT_EQ(scheduler.running(), 0u);
  EXPECT_EQ(start(300ms), Started{live(b)});
  EXPECT_NE(add_target(), a) << "ids are not given twice";
}

TEST_F(Schedule, ALowerLimitHoldsBackNewJobsOnly) {
  TargetId a = add_target(), b = add_target(), c = add_target();
  changed(0ms, a);
  changed(0ms, b);
  start(100ms);
  scheduler.set_max_transfers(1);
  changed(200ms, c);
  finish(300ms, a);
  EXPECT_EQ(start(300ms), Started{}) << "b runs still";
  finish(310ms, b);
  EXPECT_EQ(start(310ms), Started{live(c)});
}

}  // namespace
}  // namespace mirrord
