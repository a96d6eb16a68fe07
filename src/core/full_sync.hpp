// The full comparison of one target: when it is due, what it may delete, and whether the deletion
// guard holds it.
//
// It deletes in two steps: the first run sends everything and counts what is too much; it is
// repeated with deletions if the guard allows them. If not, the target is *held* until approve().
// What changes while it runs is the queue's matter.
//
// Pure: time is an argument, the next deadline a result.
#pragma once

#include <cstdint>
#include <optional>

#include "core/backoff.hpp"
#include "core/outcome.hpp"

namespace mirrord {

/// What a full comparison may delete.
enum class Deletions {
  counted,  ///< nothing yet
  limited,  ///< as many as the guard allows
  seen,     ///< all, unless the source is empty: it was seen to be re-pointed
  free,     ///< all: an operator approved it
};

/// What a run leaves behind.
enum class Compared {
  all,
  all_but_named,  ///< the rest is good: only what the outcome names is tried again
  not_all,        ///< it is wanted again, or held
};

class FullSync {
 public:
  explicit FullSync(uint32_t jitter_seed)
      : backoff_(jitter_seed), recount_(jitter_seed), pace_(jitter_seed) {}

  /// `since`: no later than the first change that it must bring.
  void want(Instant since);
  /// The same for what may come up with every change: the next one waits longer and longer, up to
  /// `retry.max`, until nothing has asked for so long.
  void want_paced(Instant since, const RetrySettings& retry, Instant now);
  /// Something in the source is not what it was, without having been seen to change.
  void doubt(Instant since);
  /// Another directory is the source now. That all of the one before has gone counts as seen if
  /// the source was `seen_repointed`.
  void source_replaced(bool seen_repointed, Instant since);
  /// Releases what the guard holds, once. False when it holds nothing.
  bool approve(Instant now);
  void skip_waits(Instant now);
  /// Nothing hinders the deletions any more that the last run had to leave out.
  void catch_up();

  Deletions start();
  /// The run was ended by ourselves: as if it had never started.
  void give_back();
  /// `was_quiet`: nothing changed meanwhile, and nothing was pending.
  Compared finished(const Outcome& outcome, bool was_quiet, const RetrySettings& retry,
                    Instant now);

  /// Nothing = not wanted, or running.
  std::optional<Instant> due() const;
  bool wanted() const { return wanted_; }
  bool running() const { return running_; }
  bool held() const { return held_since_.has_value(); }
  bool failing() const { return backoff_.failures() > 0; }
  /// It runs, or would if there were a slot.
  bool is_near(Instant now) const { return running_ || due().value_or(Instant::max()) <= now; }
  /// One has been completed since the start.
  bool completed() const { return completed_; }
  /// The guard has judged the target, and holds nothing back.
  bool passed_guard() const { return judged_ && !held_since_; }
  Instant running_since() const { return running_since_; }
  /// No change before this waits for a full comparison; nothing = none does.
  std::optional<Instant> oldest() const;

 private:
  Compared partial(const Outcome& outcome, const RetrySettings& retry, Instant now);
  void pass_guard();
  void note_wanted(Instant since);
  void end_run(Deletions next);
  bool counts_again(bool was_quiet, const RetrySettings& retry, Instant now);

  bool wanted_ = false;
  bool running_ = false;
  Instant wanted_since_{};
  Instant running_since_{};
  Backoff backoff_;
  Backoff recount_;  // after counts that live changes have disturbed
  Backoff pace_;
  Instant paced_at_{};
  Deletions deletions_ = Deletions::counted;  // of the next run, if nobody approved more
  bool approved_ = false;                     // by an operator, until a run had it
  Deletions given_ = Deletions::counted;      // to the run
  /// The last run left out deletions, because something cannot be listed; since when.
  std::optional<Instant> left_out_;
  bool completed_ = false;
  bool judged_ = false;  // nothing in the source is in doubt since the last comparison
  std::optional<Instant> held_since_;  // no later than the first change that is held back
};

}  // namespace mirrord
