// TargetQueue: what a run has not brought, and where that waits.
#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "core/path.hpp"
#include "core/related_paths.hpp"
#include "core/target_queue.hpp"

namespace mirrord {

namespace {

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

// ---- taken out of a run before it starts

void TargetQueue::set_aside(const std::vector<std::string>& paths) {
  take_out(*live_, paths);
  keep(set_aside_, {live_->kind, paths, live_->oldest}, live_->oldest);
}

void TargetQueue::put_back(JobKind kind, const std::vector<std::string>& paths) {
  Batch& batch = kind == JobKind::big ? *big_ : *live_;
  take_out(batch, paths);
  keep(pending_, {ChangeKind::data, paths, batch.oldest}, batch.oldest);
}

// ---- the end of a run

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

}  // namespace mirrord
