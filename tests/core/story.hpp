// Stories of one target: what happens at which moment. Times count from an arbitrary start.
#pragma once

#include <gtest/gtest.h>

#include <ostream>

#include "core/target_queue.hpp"

namespace mirrord {

// For readable failures.
inline void PrintTo(TargetState state, std::ostream* out) {
  *out << "state " << static_cast<int>(state);
}

namespace test {

using namespace std::chrono_literals;

inline constexpr auto kLive = JobKind::live;
inline constexpr auto kFull = JobKind::full;

using Paths = std::vector<std::string>;

inline Instant at(Duration since_start) { return Instant(1h + since_start); }

/// Most stories are not about connecting.
inline void connect(TargetQueue& queue, Instant now) {
  if (queue.connected()) return;
  Outcome done;
  done.verdict = Verdict::done;
  queue.start_connecting();
  queue.finished(JobKind::connect, done, now);
}

inline Outcome outcome(Verdict verdict) {
  Outcome result;
  result.verdict = verdict;
  bool of_deletions = verdict == Verdict::withheld || verdict == Verdict::held;
  if (of_deletions) result.unsent.emplace();  // everything was sent
  return result;
}
/// It names what has not arrived.
inline Outcome unsent(Verdict verdict, Paths paths) {
  Outcome of_paths = outcome(verdict);
  of_paths.unsent = std::move(paths);
  return of_paths;
}

/// delay 100 ms, at most 1 s; retries from 1 s to 1 min.
inline Pace pace() { return {100ms, 1s, {1s, 1min}}; }

class Story : public testing::Test {
 protected:
  Story() {
    queue.set_activity(Activity::all);
    connect(queue, at(0s));
  }

  void changed(Duration when, const std::string& path, ChangeKind kind = ChangeKind::data) {
    queue.changed(path, kind, at(when));
  }
  bool is_due(JobKind kind, Duration when) const {
    auto due = queue.due(kind);
    return due && *due <= at(when);
  }
  Paths start_live(Duration when) {
    EXPECT_TRUE(is_due(kLive, when));
    return queue.start_live().paths;
  }
  void start_full(Duration when) {
    EXPECT_TRUE(is_due(kFull, when));
    queue.start_full();
  }
  void finish(Duration when, JobKind kind, Verdict verdict) {
    queue.finished(kind, outcome(verdict), at(when));
    connect(queue, at(when));
  }
  /// One run from its start to its end.
  Paths run_live(Duration from, Duration to, Verdict verdict) {
    Paths paths = start_live(from);
    finish(to, kLive, verdict);
    return paths;
  }
  TargetState state(Duration when) const { return queue.state(at(when)); }
  /// How long after `from` the target is tried again.
  Duration wait(Duration from) const {
    auto next = queue.next_attempt();
    return next ? *next - at(from) : -1s;
  }

  TargetQueue queue{pace(), 1};
};

inline void expect_within_a_fifth(Duration value, Duration middle) {
  EXPECT_GE(value, middle * 4 / 5);
  EXPECT_LE(value, middle * 6 / 5);
}

}  // namespace test
}  // namespace mirrord
