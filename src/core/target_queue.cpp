#include "core/target_queue.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace mirrord {

void TargetQueue::changed(const std::string& path, ChangeKind kind, Instant now) {
  if (pending_.empty()) first_change_ = now;
  last_change_ = now;
  // A set that is full empties itself; what was in it is a matter of a full comparison then.
  Instant oldest = pending_.oldest().value_or(now);
  if (!pending_.add(path, kind, now)) want_full(std::min(oldest, now));
  if (full_running_ && !during_full_.add(path, kind, now)) want_full(now);
}

void TargetQueue::want_full(Instant now) {
  full_since_ = full_wanted_ ? std::min(full_since_, now) : now;
  full_wanted_ = true;
}

void TargetQueue::hurry(Instant now) {
  hurried_ = !pending_.empty();
  stuck_backoff_.until = now;
  full_backoff_.until = now;
  retry_at_ = now;
}

Instant TargetQueue::settled() const {
  if (hurried_) return first_change_;
  return std::min(last_change_ + pace_.delay, first_change_ + pace_.max_delay);
}

std::optional<Instant> TargetQueue::due(JobKind kind) const {
  if (!active_ || paused_) return std::nullopt;
  // A target that failed is tried with one rsync, not with two.
  if (failures_ > 0 && kind == JobKind::full && live_) return std::nullopt;
  std::optional<Instant> due;
  if (kind == JobKind::live) {
    if (live_) return std::nullopt;
    if (!pending_.empty()) due = settled();
    if (!stuck_.empty()) due = due ? std::min(*due, stuck_backoff_.until) : stuck_backoff_.until;
  } else if (full_wanted_ && !full_running_) {
    due = std::max(full_since_, full_backoff_.until);
  }
  if (due && failures_ > 0) due = std::max(*due, retry_at_);
  return due;
}

Batch TargetQueue::start_live() {
  assert(!live_);
  // What is stuck goes out alone: it would make new changes fail with it.
  bool fresh = !pending_.empty() && (stuck_.empty() || settled() <= stuck_backoff_.until);
  live_ = fresh ? pending_.take() : take_stuck();
  (fresh ? pending_ : stuck_).join_trees_and_data(*live_);
  if (pending_.empty()) hurried_ = false;
  return *live_;
}

Batch TargetQueue::take_stuck() {
  constexpr size_t kKinds = 4;
  do stuck_turn_ = (stuck_turn_ + 1) % kKinds;
  while (!stuck_.has(static_cast<ChangeKind>(stuck_turn_)));
  return stuck_.take(static_cast<ChangeKind>(stuck_turn_));
}

void TargetQueue::start_full() {
  assert(!full_running_);
  full_running_ = true;
  full_wanted_ = false;
  running_since_ = full_since_;
}

void TargetQueue::finished(JobKind kind, const Outcome& outcome, Instant now) {
  if (kind == JobKind::live)
    live_finished(outcome, now);
  else
    full_finished(outcome, now);
}

void TargetQueue::live_finished(const Outcome& outcome, Instant now) {
  Batch batch = std::move(*std::exchange(live_, std::nullopt));
  switch (outcome.verdict) {
    case Verdict::done:
      failures_ = 0;
      if (stuck_.empty()) stuck_backoff_ = {};
      return;
    case Verdict::again:
      failures_ = 0;
      return keep(pending_, batch, now);
    case Verdict::partial:
      failures_ = 0;
      keep(stuck_, batch, now);
      return suspend(stuck_backoff_, now);
    case Verdict::failed:
      keep(pending_, batch, now);
      return target_failed(now);
  }
}

void TargetQueue::end_full(Instant now) {
  full_running_ = false;
  if (during_full_.empty()) return;
  if (pending_.empty()) first_change_ = last_change_ = now;
  Instant oldest = std::min(pending_.oldest().value_or(now), *during_full_.oldest());
  if (!pending_.merge(during_full_)) want_full(oldest);
  during_full_.clear();
}

void TargetQueue::give_back(JobKind kind, Instant now) {
  if (kind == JobKind::live) return keep(pending_, *std::exchange(live_, std::nullopt), now);
  end_full(now);
  want_full(running_since_);
}

void TargetQueue::full_finished(const Outcome& outcome, Instant now) {
  end_full(now);
  // `again`: files vanished; their disappearance was an event, so they are pending.
  if (outcome.verdict == Verdict::done || outcome.verdict == Verdict::again) {
    failures_ = 0;
    full_backoff_ = {};
    return;
  }
  want_full(running_since_);
  if (outcome.verdict == Verdict::failed) return target_failed(now);
  failures_ = 0;
  suspend(full_backoff_, now);
}

void TargetQueue::keep(DirtySet& set, const Batch& batch, Instant now) {
  if (&set == &pending_ && pending_.empty()) first_change_ = last_change_ = now;
  Instant oldest = std::min(set.oldest().value_or(now), batch.oldest);
  if (!set.merge(batch)) want_full(oldest);
}

void TargetQueue::target_failed(Instant now) {
  ++failures_;
  retry_at_ = now + backoff(failures_);
}

void TargetQueue::suspend(Backoff& wait, Instant now) {
  ++wait.failures;
  wait.until = now + backoff(wait.failures);
}

Duration TargetQueue::backoff(uint32_t failures) {
  // +-20 %: targets that failed together shall not come back together.
  std::uniform_real_distribution<double> jitter(0.8, 1.2);
  double doubled = static_cast<double>(pace_.retry.initial.count()) *
                   static_cast<double>(uint64_t{1} << std::min(failures - 1, 40U));
  double capped = std::min(doubled, static_cast<double>(pace_.retry.max.count()));
  return Duration(static_cast<int64_t>(capped * jitter(random_)));
}

TargetState TargetQueue::state(Instant now) const {
  if (paused_) return TargetState::paused;
  if (running()) return TargetState::syncing;
  if (troubled()) return TargetState::retrying;
  auto live = due(JobKind::live);
  if (full_wanted_ || (live && *live <= now)) return TargetState::waiting;
  return pending_.empty() ? TargetState::idle : TargetState::settling;
}

size_t TargetQueue::pending() const {
  return pending_.size() + stuck_.size() + (live_ ? live_->paths.size() : 0);
}

std::optional<Instant> TargetQueue::oldest_pending() const {
  std::optional<Instant> oldest;
  auto consider = [&](std::optional<Instant> when) {
    if (when && (!oldest || *when < *oldest)) oldest = when;
  };
  consider(pending_.oldest());
  consider(stuck_.oldest());
  if (live_) consider(live_->oldest);
  if (full_wanted_) consider(full_since_);
  if (full_running_) consider(running_since_);
  return oldest;
}

std::optional<Instant> TargetQueue::next_attempt() const {
  if (state(Instant::max()) != TargetState::retrying) return std::nullopt;
  auto live = due(JobKind::live);
  auto full = due(JobKind::full);
  if (!live || (full && *full < *live)) return full;
  return live;
}

}  // namespace mirrord
