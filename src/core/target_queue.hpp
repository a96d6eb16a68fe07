// The state machine of one target: what it lacks, and when the next rsync for it is due.
//
// Three jobs move data: *live* batches of changed paths and the *full* comparison. They may run
// side by side, so a long full sync holds back no change; what changed while a full sync ran is
// sent again after it, because rsync may have deleted or overwritten it on old knowledge. *Big*
// files and trees are set aside from live batches and go out beside them, so that they hold up
// nothing small; what changed in them meanwhile is sent again, too.
// Before any of these the target must be *connected*: a job of its own, so that a dead target costs
// no slot. A change leaves the queue only when an rsync that was started after it has ended
// cleanly.
//
// Pure: time is an argument, the next deadline a result.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "core/backoff.hpp"
#include "core/dirty_set.hpp"
#include "core/full_sync.hpp"
#include "core/outcome.hpp"

namespace mirrord {

enum class JobKind { live, full, big, connect };

/// What the source allows to start.
enum class Activity {
  none,        ///< it is missing, or its crawl waits for descriptors
  connecting,  ///< it is being crawled
  all,
};

/// As org.mirrord1(5) explains them.
enum class TargetState { idle, settling, waiting, syncing, retrying, paused, held };

struct Pace {
  Duration delay{};
  Duration max_delay{};
  RetrySettings retry;
  bool operator==(const Pace&) const = default;
};

class TargetQueue {
 public:
  TargetQueue(Pace pace, uint32_t jitter_seed)
      : pace_(pace),
        stuck_backoff_(jitter_seed),
        full_(jitter_seed),
        target_backoff_(jitter_seed) {}

  void set_pace(const Pace& pace) { pace_ = pace; }
  void set_activity(Activity activity) { activity_ = activity; }
  void set_paused(bool paused) { paused_ = paused; }
  bool paused() const { return paused_; }
  /// The connection is gone; it is made again when there is something to send.
  void disconnected(Instant now);
  /// The host answers again: no reason to wait any longer.
  void reachable(Instant now) { target_backoff_.skip(now); }

  /// `since`: when the change was made, if it was held back until now.
  void changed(const SharedPath& path, ChangeKind kind, Instant now,
               std::optional<Instant> since = std::nullopt);
  void want_full(Instant now) { full_.want(now); }
  /// Of files that were changed since then, other names are in doubt.
  void doubt_names(Instant since, Instant now) { full_.want_paced(since, pace_.retry, now); }
  /// Something in the source is not what it was, without having been seen to change: until a full
  /// comparison has judged that, no run of trees deletes.
  void doubt(Instant now) { full_.doubt(now); }
  /// Another directory is the source now. What was collected was seen of the one before, and no
  /// deletion of it counts; that all of it has gone does, if the source was `seen_repointed`.
  void source_replaced(bool seen_repointed, Instant now);
  /// Takes over what the queue before it had not sent to the same copy: that was seen to change,
  /// which a comparison of sizes and times may miss.
  void take_over(const TargetQueue& before, Instant now);
  /// Whatever is pending is due now, without settling and without back-off.
  void hurry(Instant now);
  /// Releases what the deletion guard holds, once. False when it holds nothing.
  bool approve(Instant now);

  /// When the job may start, as far as this target is concerned; nothing = not wanted or running.
  std::optional<Instant> due(JobKind kind) const;
  Batch start_live();
  /// Takes paths, which are big, out of the running live batch.
  void set_aside(const std::vector<std::string>& paths);
  /// Takes paths, which are no directories, out of the running live or big batch; they are next.
  void put_back(JobKind kind, const std::vector<std::string>& paths);
  Batch start_big();
  Deletions start_full();
  void start_connecting();
  void finished(JobKind kind, const Outcome& outcome, Instant now);
  /// The job was not run, or was ended by ourselves: as if it had never started.
  void give_back(JobKind kind, Instant now);

  TargetState state(Instant now) const;
  bool connected() const { return connected_; }
  const FullSync& full() const { return full_; }
  bool running() const { return live_ || full_.running() || big_; }
  bool big_running() const { return big_.has_value(); }
  bool live_running() const { return live_.has_value(); }
  /// What the running job brings; "" is the whole tree.
  std::vector<std::string> paths_of(JobKind kind) const;
  size_t pending() const;
  /// Whether a change of the path may be missing on the target.
  bool may_lack(const std::string& path) const;
  /// No change before this is missing on the target; nothing = none is missing.
  std::optional<Instant> oldest_pending() const;
  uint32_t failures() const { return target_backoff_.failures(); }
  /// Something failed and has not succeeded since.
  bool troubled() const {
    return failures() > 0 || !stuck_.empty() || stuck_backoff_.failures() > 0 || full_.failing();
  }
  /// When a failed job is tried next.
  std::optional<Instant> next_attempt() const;
  /// How long a transfer that is started ahead is worth its memory; nothing = not at all. It is
  /// while the target is in use, and only after a success: where the last one died it would too.
  std::optional<Instant> standby_until() const;
  void standby_died() { proven_ = false; }
  /// The rsync of the running live batch has died, which is given back next.
  void live_was_cut_off(Instant now) { doubt_directories(*live_, now); }

 private:
  static constexpr auto kStandbyIdle = std::chrono::seconds(60);

  std::optional<Instant> wanted(JobKind kind) const;
  std::optional<Instant> wanted() const;
  void end_big(Instant now);
  void replay(const DirtySet& during, Instant now);
  Batch take_stuck();
  void keep(DirtySet& set, const Batch& batch, Instant now);
  void full_finished(const Outcome& outcome, Instant now);
  void connect_finished(const Outcome& outcome, Instant now);
  void succeeded(Instant now);
  void sent(const Batch& batch, const Outcome& outcome, Instant now);
  void forget_stuck_failures();
  void doubt_directories(const Batch& batch, Instant now);
  bool is_try_of_stuck(const Batch& batch) const;
  void leave_unset(const Outcome& outcome, Instant oldest, Instant now);
  void leave_unfinished(Batch batch, const std::vector<std::string>& ends, Instant now);
  void leave_unsent(const Batch& batch, const Outcome& outcome, Instant now);
  void target_failed(Instant now);
  Instant settled() const;

  Pace pace_;
  Activity activity_ = Activity::none;
  bool paused_ = false;
  bool hurried_ = false;
  bool connected_ = false;
  bool connecting_ = false;
  bool proven_ = false;  // the last job succeeded, and no standby has died since
  Instant last_used_{};

  DirtySet pending_;
  Instant first_change_{};
  Instant last_change_{};
  std::optional<Batch> live_;

  DirtySet set_aside_;  // what is big and waits
  std::optional<Batch> big_;
  std::set<std::string> big_paths_;  // of the running one
  DirtySet during_big_;              // what the running big batch may bring back or overwrite

  DirtySet stuck_;  // failed while the target answered; tried again on their own
  Backoff stuck_backoff_;
  uint32_t vanished_ = 0;  // batches in a row of which files vanished
  size_t stuck_turn_ = 0;  // kinds take turns: one that never succeeds may not starve the others

  FullSync full_;
  DirtySet during_full_;      // what the running one may bring back or overwrite
  bool beside_full_ = false;  // another run was on its way meanwhile

  Backoff target_backoff_;  // of the target itself
};

}  // namespace mirrord
