// The state machine of one target: what it lacks, and when the next rsync for it is due.
//
// Two jobs exist per target: *live* batches of changed paths and the *full* comparison. They may
// run side by side, so a long full sync holds back no change; what changed while a full sync ran
// is sent again after it, because rsync may have deleted or overwritten it on old knowledge.
// A change leaves the queue only when an rsync that was started after it has ended cleanly.
//
// Pure: time is an argument, the next deadline a result.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "core/dirty_set.hpp"
#include "core/outcome.hpp"

namespace mirrord {

enum class JobKind { live, full };

/// DESIGN section 5; names as on the bus.
enum class TargetState { idle, settling, waiting, syncing, retrying, paused };

struct Pace {
  Duration delay{};
  Duration max_delay{};
  RetrySettings retry;
  bool operator==(const Pace&) const = default;
};

class TargetQueue {
 public:
  TargetQueue(Pace pace, uint32_t jitter_seed) : pace_(pace), random_(jitter_seed) {}

  void set_pace(const Pace& pace) { pace_ = pace; }
  /// Whether the source is there and watched; nothing starts while it is not.
  void set_active(bool active) { active_ = active; }
  void set_paused(bool paused) { paused_ = paused; }

  void changed(const std::string& path, ChangeKind kind, Instant now);
  void want_full(Instant now);
  /// Whatever is pending is due now, without settling and without back-off.
  void hurry(Instant now);

  /// When the job may start, as far as this target is concerned; nothing = not wanted or running.
  std::optional<Instant> due(JobKind kind) const;
  Batch start_live();
  void start_full();
  void finished(JobKind kind, const Outcome& outcome, Instant now);
  /// The job was not run, or was ended by ourselves: as if it had never started.
  void give_back(JobKind kind, Instant now);

  TargetState state(Instant now) const;
  bool running() const { return live_ || full_running_; }
  bool live_running() const { return live_.has_value(); }
  bool full_running() const { return full_running_; }
  bool full_wanted() const { return full_wanted_; }
  size_t pending() const;
  /// No change before this is missing on the target; nothing = none is missing.
  std::optional<Instant> oldest_pending() const;
  uint32_t failures() const { return failures_; }
  /// Something failed and has not succeeded since.
  bool troubled() const { return failures_ > 0 || !stuck_.empty() || full_backoff_.failures > 0; }
  /// When a failed job is tried next.
  std::optional<Instant> next_attempt() const;

 private:
  /// A growing wait between attempts, with its jitter.
  struct Backoff {
    uint32_t failures = 0;
    Instant until{};
  };

  Duration backoff(uint32_t failures);
  void suspend(Backoff& backoff, Instant now);
  void end_full(Instant now);
  Batch take_stuck();
  void keep(DirtySet& set, const Batch& batch, Instant now);
  void live_finished(const Outcome& outcome, Instant now);
  void full_finished(const Outcome& outcome, Instant now);
  void target_failed(Instant now);
  Instant settled() const;

  Pace pace_;
  std::minstd_rand random_;
  bool active_ = false;
  bool paused_ = false;
  bool hurried_ = false;

  DirtySet pending_;
  Instant first_change_{};
  Instant last_change_{};
  std::optional<Batch> live_;

  DirtySet stuck_;  // failed while the target answered; tried again on their own
  Backoff stuck_backoff_;
  size_t stuck_turn_ = 0;  // kinds take turns: one that never succeeds may not starve the others

  bool full_wanted_ = false;
  bool full_running_ = false;
  Instant full_since_{};     // no later than the first change that the wanted one must bring
  Instant running_since_{};  // the same of the running one
  Backoff full_backoff_;
  DirtySet during_full_;

  uint32_t failures_ = 0;  // of the target itself, in a row
  Instant retry_at_{};
};

}  // namespace mirrord
