#include "core/target_queue.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "core/path.hpp"
#include "core/related_paths.hpp"

namespace mirrord {

namespace {

bool brings(const Batch& batch, const std::string& path) {
  return std::ranges::any_of(batch.paths, [&](const std::string& sent) {
    return sent == path || (batch.kind == ChangeKind::tree && is_part_of(path, sent)) ||
           (batch.kind == ChangeKind::children && parent_of(path) == sent);
  });
}

}  // namespace

void TargetQueue::changed(const SharedPath& path, ChangeKind kind, Instant now,
                          std::optional<Instant> since) {
  Instant made = since.value_or(now);
  // The tree may be another one now, of which what waits below knows nothing.
  if (kind == ChangeKind::tree)
    for (DirtySet* set : {&stuck_, &set_aside_}) made = std::min(made, set->erase_below(path));
  // This change may mend what failed, and what was in doubt of that goes along.
  if (const auto failed = stuck_.kind_of(path))
    kind = std::max(kind, std::min(*failed, ChangeKind::data));
  if (pending_.empty()) first_change_ = now;
  first_change_ = std::min(first_change_, since.value_or(now));
  last_change_ = last_used_ = now;
  // A set that is full empties itself; what was in it is a matter of a full comparison then.
  Instant oldest = pending_.oldest().value_or(made);
  if (!pending_.add(path, kind, made)) full_.want(std::min(oldest, made));
  if (full_.running() && !during_full_.add(path, kind, made)) full_.want(made);
  if (big_ && !related(big_paths_, path).empty() && !during_big_.add(path, kind, made))
    full_.want(made);
}

void TargetQueue::source_replaced(bool seen_repointed, Instant now) {
  full_.source_replaced(seen_repointed, std::min(now, oldest_pending().value_or(now)));
  stuck_backoff_.succeeded();
  for (DirtySet* set : {&pending_, &set_aside_, &stuck_, &during_full_, &during_big_}) set->clear();
  // What runs was told to end, and is given back.
  for (std::optional<Batch>* running : {&live_, &big_})
    if (*running) (*running)->paths.clear();
}

void TargetQueue::take_over(const TargetQueue& before, Instant now) {
  for (const DirtySet* set : {&before.pending_, &before.set_aside_, &before.stuck_,
                              &before.during_full_, &before.during_big_})
    replay(*set, now);
  for (const std::optional<Batch>* running : {&before.live_, &before.big_})
    if (*running) keep(pending_, **running, now);
}

void TargetQueue::hurry(Instant now) {
  hurried_ = !pending_.empty();
  full_.skip_waits(now);
  for (Backoff* wait : {&stuck_backoff_, &target_backoff_}) wait->skip(now);
}

void TargetQueue::disconnected(Instant now) {
  const bool was_connected = std::exchange(connected_, false);
  // No transfer will find out and make it wait.
  if (was_connected && activity_ == Activity::connecting) target_failed(now);
}

Instant TargetQueue::settled() const {
  if (hurried_) return first_change_;
  return std::min(last_change_ + pace_.delay, first_change_ + pace_.max_delay);
}

bool TargetQueue::approve(Instant now) {
  if (!full_.approve(now)) return false;
  hurry(now);
  return true;
}

std::optional<Instant> TargetQueue::due(JobKind kind) const {
  if (activity_ == Activity::none || paused_) return std::nullopt;
  if (kind == JobKind::connect) return connected_ || connecting_ ? std::nullopt : wanted();
  return connected_ && activity_ == Activity::all ? wanted(kind) : std::nullopt;
}

std::optional<Instant> TargetQueue::wanted() const {
  std::optional<Instant> first;
  for (JobKind kind : {JobKind::live, JobKind::full, JobKind::big})
    if (auto when = wanted(kind); when && (!first || *when < *first)) first = when;
  return first;
}

/// When the job would start on a connected target.
std::optional<Instant> TargetQueue::wanted(JobKind kind) const {
  // A target that failed is tried with one rsync, not with several.
  if (failures() > 0 && kind != JobKind::live && live_) return std::nullopt;
  if (failures() > 0 && kind == JobKind::full && big_) return std::nullopt;
  std::optional<Instant> due;
  if (kind == JobKind::live) {
    if (live_) return std::nullopt;
    if (!pending_.empty()) due = settled();
    if (!stuck_.empty())
      due = due ? std::min(*due, stuck_backoff_.until()) : stuck_backoff_.until();
  } else if (kind == JobKind::big && !big_) {
    due = set_aside_.oldest();
  } else if (kind == JobKind::full) {
    due = full_.due();
  }
  if (due && failures() > 0) due = std::max(*due, target_backoff_.until());
  return due;
}

void TargetQueue::start_connecting() {
  assert(!connected_);
  connecting_ = true;
}

Batch TargetQueue::start_live() {
  assert(!live_);
  beside_full_ = true;
  // What is stuck goes out alone: it would make new changes fail with it.
  bool fresh = !pending_.empty() && (stuck_.empty() || settled() <= stuck_backoff_.until());
  live_ = fresh ? pending_.take() : take_stuck();
  // Where a run of trees may delete nothing, one of data still may.
  if (full_.passed_guard()) (fresh ? pending_ : stuck_).join_trees_and_data(*live_);
  if (pending_.empty()) hurried_ = false;
  return *live_;
}

Batch TargetQueue::take_stuck() {
  constexpr size_t kKinds = 4;
  do stuck_turn_ = (stuck_turn_ + 1) % kKinds;
  while (!stuck_.has(static_cast<ChangeKind>(stuck_turn_)));
  Batch batch = stuck_.take(static_cast<ChangeKind>(stuck_turn_));
  batch.has_failed = true;
  return batch;
}

Batch TargetQueue::start_big() {
  assert(!big_);
  beside_full_ = true;
  big_ = set_aside_.take();
  big_paths_ = {big_->paths.begin(), big_->paths.end()};
  return *big_;
}

Deletions TargetQueue::start_full() {
  beside_full_ = live_ || big_;
  return full_.start();
}

TargetState TargetQueue::state(Instant now) const {
  if (paused_) return TargetState::paused;
  if (full_.held() && !full_.is_near(now)) return TargetState::held;
  if (running()) return TargetState::syncing;
  if (troubled()) return TargetState::retrying;
  auto live = activity_ == Activity::all ? wanted(JobKind::live) : std::nullopt;
  auto is_due = [&](std::optional<Instant> when) { return when && *when <= now; };
  if (is_due(full_.due()) || is_due(live) || !set_aside_.empty()) return TargetState::waiting;
  return pending_.empty() && !full_.wanted() ? TargetState::idle : TargetState::settling;
}

std::vector<std::string> TargetQueue::paths_of(JobKind kind) const {
  if (kind == JobKind::live) return live_->paths;
  if (kind == JobKind::big) return big_->paths;
  return {""};
}

size_t TargetQueue::pending() const {
  return pending_.size() + stuck_.size() + set_aside_.size() + (live_ ? live_->paths.size() : 0) +
         (big_ ? big_->paths.size() : 0);
}

bool TargetQueue::may_lack(const std::string& path) const {
  if (full_.oldest()) return true;
  for (const DirtySet* set : {&pending_, &stuck_, &set_aside_})
    if (set->covers(path)) return true;
  return (live_ && brings(*live_, path)) || (big_ && brings(*big_, path));
}

std::optional<Instant> TargetQueue::oldest_pending() const {
  std::optional<Instant> oldest;
  auto consider = [&](std::optional<Instant> when) {
    if (when && (!oldest || *when < *oldest)) oldest = when;
  };
  consider(pending_.oldest());
  consider(stuck_.oldest());
  consider(set_aside_.oldest());
  if (live_) consider(live_->oldest);
  if (big_) consider(big_->oldest);
  consider(full_.oldest());
  return oldest;
}

std::optional<Instant> TargetQueue::next_attempt() const {
  if (state(Instant::max()) != TargetState::retrying) return std::nullopt;
  if (!connected_) return due(JobKind::connect);
  return activity_ == Activity::all ? wanted() : std::nullopt;
}

std::optional<Instant> TargetQueue::standby_until() const {
  bool useful = !paused_ && connected_ && proven_ && failures() == 0;
  return useful ? std::optional(last_used_ + kStandbyIdle) : std::nullopt;
}

}  // namespace mirrord
