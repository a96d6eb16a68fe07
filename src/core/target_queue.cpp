#include "core/target_queue.hpp"

#include <algorithm>
#include <cassert>
#include <set>
#include <string_view>
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

/// Of the batch, at what its run ended; none when that is not known.
std::vector<std::string> ends_of(const Batch& batch, const Outcome& outcome) {
  if (outcome.verdict != Verdict::failed || !outcome.unsent) return {};
  return paths_touched_by(batch.paths, *outcome.unsent);
}

/// Such a run says nothing of the target.
bool ended_at_all(const Batch& batch, const Outcome& outcome) {
  return !batch.paths.empty() && ends_of(batch, outcome).size() == batch.paths.size();
}

void take_out(Batch& batch, const std::vector<std::string>& paths) {
  const std::set<std::string_view> out(paths.begin(), paths.end());
  std::erase_if(batch.paths, [&](const std::string& path) { return out.contains(path); });
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

void TargetQueue::set_aside(const std::vector<std::string>& paths) {
  take_out(*live_, paths);
  keep(set_aside_, {live_->kind, paths, live_->oldest}, live_->oldest);
}

void TargetQueue::put_back(JobKind kind, const std::vector<std::string>& paths) {
  Batch& batch = kind == JobKind::big ? *big_ : *live_;
  take_out(batch, paths);
  keep(pending_, {ChangeKind::data, paths, batch.oldest}, batch.oldest);
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

void TargetQueue::finished(JobKind kind, const Outcome& outcome, Instant now) {
  if (kind == JobKind::connect) return connect_finished(outcome, now);
  const bool of_paths =
      kind != JobKind::full && ended_at_all(kind == JobKind::big ? *big_ : *live_, outcome);
  if (outcome.verdict == Verdict::failed && !of_paths)
    target_failed(now);
  else
    succeeded(now);
  if (kind == JobKind::full) return full_finished(outcome, now);
  if (kind == JobKind::live) return sent(*std::exchange(live_, std::nullopt), outcome, now);
  Batch batch = *big_;
  end_big(now);
  sent(batch, outcome, now);
}

void TargetQueue::connect_finished(const Outcome& outcome, Instant now) {
  connecting_ = false;
  connected_ = outcome.verdict == Verdict::done;
  if (!connected_) target_failed(now);
}

void TargetQueue::succeeded(Instant now) {
  target_backoff_.succeeded();
  proven_ = true;
  last_used_ = now;
}

void TargetQueue::sent(const Batch& batch, const Outcome& outcome, Instant now) {
  switch (outcome.verdict) {
    case Verdict::again:
    case Verdict::partial:
      return leave_unsent(batch, outcome, now);
    case Verdict::failed:
      return leave_unfinished(batch, ends_of(batch, outcome), now);
    case Verdict::withheld:  // by the guard; the comparison that is to come deletes, or is held
    case Verdict::held:
      if (!outcome.sent_all()) return leave_unsent(batch, outcome, now);
      [[fallthrough]];
    case Verdict::done:
      vanished_ = 0;
      stuck_.erase(batch.paths, batch.kind);
      forget_stuck_failures();
  }
}

/// What was stuck may have been set aside, and fail again.
void TargetQueue::forget_stuck_failures() {
  if (!stuck_.empty() || !set_aside_.empty() || big_) return;
  stuck_backoff_.succeeded();
  full_.catch_up();
}

/// A receiver that was killed has left its temporary file, ".NAME.XXXXXX", beside what it wrote;
/// only a comparison of the directory finds it.
void TargetQueue::doubt_directories(const Batch& batch, Instant now) {
  if (batch.kind == ChangeKind::children) return;  // these are compared anyway
  Batch directories{ChangeKind::children, {}, batch.oldest};
  for (const std::string& path : batch.paths)
    if (!path.empty()) directories.paths.push_back(parent_of(path));
  keep(pending_, directories, now);
}

/// What a run ended at would end the next one, too: it goes alone from now on.
void TargetQueue::leave_unfinished(Batch batch, const std::vector<std::string>& ends, Instant now) {
  if (ends.empty()) {
    doubt_directories(batch, now);
  } else {
    const bool is_try = is_try_of_stuck(batch);
    keep(stuck_, {batch.kind, ends, batch.oldest}, now);
    if (is_try) stuck_backoff_.failed(pace_.retry, now);
  }
  take_out(batch, ends);
  keep(pending_, batch, now);
}

/// A fresh change that fails puts no other's next try off.
bool TargetQueue::is_try_of_stuck(const Batch& batch) const {
  return batch.has_failed || stuck_.empty();
}

/// Of the batch, what the outcome says has not arrived; all of it where it does not say.
void TargetQueue::leave_unsent(const Batch& batch, const Outcome& outcome, Instant now) {
  const bool is_try = is_try_of_stuck(batch);
  leave_unset(outcome, batch.oldest, now);
  Batch rest{batch.kind, {}, batch.oldest};
  if (outcome.unsent) rest.paths = paths_touched_by(batch.paths, *outcome.unsent);
  bool all_sent = outcome.unsent && outcome.unsent->empty() && !outcome.unset.empty();
  bool deleted_part = outcome.deleted_part && batch.kind >= ChangeKind::children;
  const Batch& left = deleted_part || (rest.paths.empty() && !all_sent) ? batch : rest;
  // What vanishes again and again is no matter of a moment.
  constexpr uint32_t kMost = 3;
  if (outcome.verdict == Verdict::again && ++vanished_ <= kMost) return keep(pending_, left, now);
  keep(stuck_, left, now);
  if (is_try) stuck_backoff_.failed(pace_.retry, now);
}

void TargetQueue::leave_unset(const Outcome& outcome, Instant oldest, Instant now) {
  keep(stuck_, {ChangeKind::attributes, outcome.unset, oldest}, now);
}

void TargetQueue::end_big(Instant now) {
  // rsync gave their directories the times of its beginning.
  for (const std::string& path : big_->paths)
    if (!during_big_.add(parent_of(path), ChangeKind::attributes, now)) full_.want(now);
  big_.reset();
  big_paths_.clear();
  replay(std::exchange(during_big_, {}), now);
}

/// What changed while another run was at it is sent again.
void TargetQueue::replay(const DirtySet& during, Instant now) {
  if (during.empty()) return;
  if (pending_.empty()) first_change_ = last_change_ = now;
  Instant oldest = std::min(pending_.oldest().value_or(now), *during.oldest());
  if (!pending_.merge(during)) full_.want(oldest);
}

void TargetQueue::give_back(JobKind kind, Instant now) {
  switch (kind) {
    case JobKind::connect:
      connecting_ = false;
      return;
    case JobKind::live:
      return keep(pending_, *std::exchange(live_, std::nullopt), now);
    case JobKind::big:
      keep(pending_, *big_, now);
      return end_big(now);
    case JobKind::full:
      full_.give_back();
      return replay(std::exchange(during_full_, {}), now);
  }
}

void TargetQueue::full_finished(const Outcome& outcome, Instant now) {
  const bool was_quiet = !beside_full_ && during_full_.empty() && pending() == 0;
  replay(std::exchange(during_full_, {}), now);
  switch (full_.finished(outcome, was_quiet, pace_.retry, now)) {
    case Compared::all:
      return forget_stuck_failures();
    case Compared::all_but_named:
      leave_unset(outcome, full_.running_since(), now);
      keep(stuck_, {ChangeKind::tree, *outcome.unsent, full_.running_since()}, now);
      return stuck_backoff_.failed(pace_.retry, now);
    case Compared::not_all:
      return;
  }
}

void TargetQueue::keep(DirtySet& set, const Batch& batch, Instant now) {
  if (&set == &pending_ && pending_.empty()) first_change_ = last_change_ = now;
  Instant oldest = std::min(set.oldest().value_or(now), batch.oldest);
  // What is part of a tree that waits goes along with that.
  const bool fits = std::ranges::all_of(batch.paths, [&](const std::string& path) {
    return (pending_.in_tree(path) ? pending_ : set).add(path, batch.kind, batch.oldest);
  });
  if (!fits) full_.want(oldest);
}

void TargetQueue::target_failed(Instant now) {
  connected_ = proven_ = false;
  target_backoff_.failed(pace_.retry, now);
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
