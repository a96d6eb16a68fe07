// Which target may start an rsync now: all queues, and the limit on transfers at a time.
//
// Jobs that are due get the free slots in the order in which they became due, so one busy target
// cannot starve another; full comparisons and big batches get at most half of the slots, so that
// live changes do not wait for hours, and connecting needs none. The caller starts what due()
// returns and reports each with finished().
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "core/target_queue.hpp"

namespace mirrord {

using TargetId = uint32_t;

struct Job {
  TargetId target = 0;
  JobKind kind = JobKind::live;
  Batch batch;                               ///< of a live or a big job
  Deletions deletions = Deletions::counted;  ///< of a full one
};

class Scheduler {
 public:
  explicit Scheduler(unsigned max_transfers) : max_transfers_(max_transfers) {}

  void set_max_transfers(unsigned limit) { max_transfers_ = limit; }
  TargetId add(const Pace& pace);
  /// Forgets the target and gives its slots back; its processes are the caller's to end.
  void remove(TargetId target);
  TargetQueue& queue(TargetId target) { return queues_.at(target); }
  const TargetQueue& queue(TargetId target) const { return queues_.at(target); }

  /// Starts what is due and has a slot.
  std::vector<Job> due(Instant now);
  void finished(TargetId target, JobKind kind, const Outcome& outcome, Instant now);
  /// A job of due() that was not run, or that we ended ourselves.
  void give_back(TargetId target, JobKind kind, Instant now);
  /// When due() may have something; nothing = only after finished() or a change.
  std::optional<Instant> next_wakeup() const;
  unsigned running() const { return live_ + long_; }
  /// Whether one more of these could start now.
  bool has_slot(JobKind kind) const;
  /// The targets for which to start a transfer ahead is worth it, those used last first. One that
  /// is there already (`waits`) stays ahead of those used a moment later.
  std::vector<TargetId> standbys(Instant now, const std::function<bool(TargetId)>& waits) const;

 private:
  struct Candidate {
    Instant when;
    TargetId target;
    JobKind kind;
    auto operator<=>(const Candidate&) const = default;
  };
  std::vector<Candidate> candidates() const;
  Job start(TargetQueue& queue, const Candidate& candidate);
  void count(JobKind kind, int change);

  unsigned max_transfers_;
  unsigned live_ = 0;
  unsigned long_ = 0;  // full comparisons and big batches
  std::map<TargetId, TargetQueue> queues_;
  TargetId last_ = 0;
};

}  // namespace mirrord
