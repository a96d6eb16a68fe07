#include "core/full_sync.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace mirrord {

void FullSync::want(Instant since) {
  pace_.skip(since);
  note_wanted(since);
}

void FullSync::want_paced(Instant since, const RetrySettings& retry, Instant now) {
  if (now - std::exchange(paced_at_, now) > retry.max) pace_.succeeded();
  if (!wanted_) pace_.failed(retry, now);
  note_wanted(since);
}

void FullSync::note_wanted(Instant since) {
  wanted_since_ = wanted_ ? std::min(wanted_since_, since) : since;
  wanted_ = true;
}

void FullSync::doubt(Instant since) {
  judged_ = approved_ = false;
  deletions_ = Deletions::counted;
  want(since);
}

void FullSync::source_replaced(bool seen_repointed, Instant since) {
  const bool counts = seen_repointed && (passed_guard() || deletions_ == Deletions::seen);
  doubt(since);
  if (counts) deletions_ = Deletions::seen;
  left_out_.reset();
  backoff_.succeeded();
}

bool FullSync::approve(Instant now) {
  if (!held_since_) return false;
  approved_ = true;
  want(*held_since_);
  skip_waits(now);
  return true;
}

void FullSync::skip_waits(Instant now) {
  for (Backoff* wait : {&backoff_, &recount_, &pace_}) wait->skip(now);
}

void FullSync::catch_up() {
  if (left_out_) want(*std::exchange(left_out_, std::nullopt));
}

Deletions FullSync::start() {
  assert(!running_);
  running_ = true;
  wanted_ = false;
  running_since_ = wanted_since_;
  return given_ = approved_ ? Deletions::free : deletions_;
}

/// An approval that came while a run counted is for the next one.
void FullSync::end_run(Deletions next) {
  deletions_ = next;
  if (given_ == Deletions::free) approved_ = false;
}

void FullSync::give_back() {
  running_ = false;
  want(running_since_);
}

Compared FullSync::finished(const Outcome& outcome, bool was_quiet, const RetrySettings& retry,
                            Instant now) {
  running_ = false;
  switch (outcome.verdict) {
    case Verdict::done:
    case Verdict::again:  // files vanished; their disappearance was an event, so they are pending
      backoff_.succeeded();
      left_out_.reset();
      pass_guard();
      return Compared::all;
    case Verdict::withheld:
      if (outcome.deleted_part) return partial(outcome, retry, now);  // it counted a part, too
      if (given_ == Deletions::counted) {
        end_run(Deletions::limited);
        want(running_since_);
      } else {  // more has come while a limited run deleted: that is counted first, too
        end_run(Deletions::counted);
        want_paced(running_since_, retry, now);
      }
      return Compared::not_all;
    case Verdict::held:
      if (counts_again(was_quiet, retry, now)) return Compared::not_all;
      recount_.succeeded();
      held_since_ = running_since_;
      end_run(Deletions::counted);
      if (!outcome.sent_all()) return partial(outcome, retry, now);
      backoff_.succeeded();
      return Compared::not_all;
    case Verdict::partial:
      return partial(outcome, retry, now);
    case Verdict::failed:
      break;
  }
  want(running_since_);
  return Compared::not_all;
}

/// Where the outcome names what failed, the rest was compared.
Compared FullSync::partial(const Outcome& outcome, const RetrySettings& retry, Instant now) {
  // Of what cannot be listed for a moment only; a count must be whole, however long that takes.
  constexpr uint32_t kMost = 3;
  const bool once_more =
      outcome.deleted_part && (outcome.verdict == Verdict::withheld || backoff_.failures() < kMost);
  if (outcome.deleted_part) end_run(Deletions::counted);
  if (!outcome.unsent || once_more) {
    want(running_since_);
    backoff_.failed(retry, now);
    return Compared::not_all;
  }
  if (outcome.verdict == Verdict::partial) completed_ = true;
  // Where deletions were left out, what is too much was not counted.
  if (outcome.verdict == Verdict::partial && !outcome.deleted_part) pass_guard();
  if (outcome.deleted_part) {
    left_out_ = running_since_;
    backoff_.failed(retry, now);
  } else {
    left_out_.reset();
    backoff_.succeeded();
  }
  return Compared::all_but_named;
}

void FullSync::pass_guard() {
  completed_ = judged_ = true;
  recount_.succeeded();
  held_since_.reset();
  approved_ = false;
  deletions_ = Deletions::counted;
}

/// A count that was made while changes were on their way takes deletions that were seen for ones
/// that nobody saw: it is made again, unless there is no end of changes.
bool FullSync::counts_again(bool was_quiet, const RetrySettings& retry, Instant now) {
  constexpr uint32_t kMost = 3;
  if (was_quiet || recount_.failures() == kMost) return false;
  recount_.failed(retry, now);
  end_run(Deletions::counted);
  want(running_since_);
  return true;
}

std::optional<Instant> FullSync::due() const {
  if (!wanted_ || running_) return std::nullopt;
  return std::max({wanted_since_, backoff_.until(), recount_.until(), pace_.until()});
}

std::optional<Instant> FullSync::oldest() const {
  Instant oldest = Instant::max();
  if (wanted_) oldest = std::min(oldest, wanted_since_);
  if (running_) oldest = std::min(oldest, running_since_);
  if (held_since_) oldest = std::min(oldest, *held_since_);
  return oldest == Instant::max() ? std::nullopt : std::optional(oldest);
}

}  // namespace mirrord
