// Carries the decisions out: watchers report changes, queues say what is due, runs are started.
//
// Owns the tree watchers, the scheduler, the connections, the hooks and the running rsyncs. pump()
// is the only place where what is due is started: it arms the one timer, and publishes what changed
// in the status. Reload is a difference: what did not change keeps its watches, queue and transfer.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/explanation.hpp"
#include "core/file_list.hpp"
#include "core/model.hpp"
#include "core/open_files.hpp"
#include "core/scheduler.hpp"
#include "core/status.hpp"
#include "daemon/connections.hpp"
#include "daemon/hooks.hpp"
#include "daemon/run.hpp"
#include "daemon/source_log.hpp"
#include "daemon/target_log.hpp"
#include "daemon/verifications.hpp"
#include "io/event.hpp"
#include "io/watch_pool.hpp"

namespace mirrord {

class Engine {
 public:
  struct Observer {
    std::function<void(const Status& before, const Status& after)> changed;
    /// Every source that exists is watched, for the first time since apply().
    std::function<void()> ready;
  };

  /// What runs once beside the service reads what that remembers of mounts, and changes nothing.
  explicit Engine(Loop& loop, bool is_service = true);
  void observe(Observer observer) { observer_ = std::move(observer); }

  /// Takes a configuration over; the first one starts everything.
  void apply(const Config& config);
  /// Sync now, without delay and back-off; full compares everything. Empty strings select all.
  enum class Found { yes, no_such_group, no_such_target };
  Found sync(const std::string& group, const std::string& target, bool full);
  /// Releases what the deletion guard holds, once.
  Found approve_deletes(const std::string& group, const std::string& target);
  /// Stops transfers until resumed; changes go on being collected.
  Found pause(const std::string& group, const std::string& target, bool paused);

  /// A number for this moment: TargetStatus::reached_checkpoint is at least that when every change
  /// that was made before is on the target.
  uint64_t checkpoint();
  /// Compares the selected targets byte by byte, one after the other; changes nothing. `number` is
  /// that of the call, set before it begins.
  Found verify(const std::string& group, const std::string& target, Verifications::Done verified,
               uint64_t& number);
  /// Nobody wants to know any more; `verified` does not come.
  void forget_verification(uint64_t number) { verifications_.forget(number); }
  /// What becomes of a path of a group that there is; nothing when it has no place in its source.
  std::optional<Explanation> explain(const std::string& group, const std::string& path) const;
  /// As of the last pump.
  const Status& status() const { return published_; }
  /// What it has to do and has not done by `now`, in words: see core/vigil.
  std::vector<std::string> undone(Instant now) const;
  /// Starts nothing more, ends the children, then `stopped`.
  void stop(std::function<void()> stopped);

 private:
  struct GroupRun {
    Group config;
    TreeId tree = 0;
    OpenFiles open_files;
    std::vector<TargetId> targets;
    SourceLog log;
    bool missing = false;
    std::optional<Identity> identity;  // of the source that the targets were last compared with
    std::string resolved_source;       // its path, free of links
    std::optional<Instant> rescan_at;
  };
  struct TargetRun {
    GroupRun* group = nullptr;
    Target config;
    std::string last_error;
    TargetLog log;
    int last_exit_status = 0;
    uint64_t last_sync_usec = 0;
    uint64_t transfers = 0, files = 0, bytes = 0;
    // The source was replaced by another directory: equal sizes and times prove nothing.
    bool distrusts_times = false;
    uint64_t entries = 0;           // that it held at the last comparison
    bool source_was_empty = false;  // when the running comparison began
  };
  struct Running {
    std::unique_ptr<Run> run;
    bool is_abandoned = false;                        // ended by ourselves
    std::optional<Instant> names_doubted_since = {};  // files of several names are in it
  };
  /// A run that is started ahead, in the directory that then was the source.
  struct Standby {
    std::unique_ptr<Run> run;
    std::optional<Identity> source;
  };
  using RunKey = std::pair<TargetId, JobKind>;
  static constexpr JobKind kTransfers[] = {JobKind::live, JobKind::full, JobKind::big};
  static constexpr auto kPublishInterval = std::chrono::milliseconds(100);
  static constexpr auto kBlindRescan = std::chrono::minutes(10);
  static constexpr auto kLimitCheck = std::chrono::seconds(30);
  static constexpr auto kExtendInterval = std::chrono::seconds(10);
  static constexpr auto kExtension = std::chrono::minutes(2);

  Found for_each_selected(const std::string& group, const std::string& target,
                          const std::function<void(TargetId)>& action);

  // Groups and reload
  /// A target that is made anew, with what it has not sent.
  struct Replaced {
    std::string name, destination;
    TargetQueue queue;
    bool distrusts_times;
  };
  /// What a group that is made anew on the same source knew of it.
  struct Before {
    std::optional<Identity> identity;
    std::string resolved_source;
    OpenFiles open_files;
    std::vector<Replaced> targets;
  };
  Replaced as_replaced(TargetId id) const;
  void take_over(const GroupRun& run, const std::vector<Replaced>& before);
  void replace_group(GroupRun& run, const Group& config);
  void add_group(const Group& config, Before before = {});
  void remove_group(const std::string& name);
  void update_group(GroupRun& run, const Group& config);
  void update_targets(GroupRun& run, const Group& config);
  TargetId add_target(GroupRun& run, const Target& config);
  void remove_target(GroupRun& run, TargetId id);
  void enter_tree(GroupRun& run);
  void leave_tree(GroupRun& run);

  // What the watcher reports
  TreeWatcher::Listener listener();
  void tree_changed(TreeId tree, const Change& change);
  void tree_doubted(TreeId tree);
  void tell_targets(GroupRun& run, const SharedPath& path, ChangeKind kind, Instant now,
                    std::optional<Instant> since = std::nullopt);
  void tree_written(TreeId tree, const std::string& path, bool created);
  void tree_state_changed(TreeId tree);
  void tree_trouble(TreeId tree, const Trouble& trouble);
  void tree_overflowed(TreeId tree);
  void remember_mounts_within(Duration delay);
  void crawl_progressed();
  void source_state(GroupRun& run, TreeState state);
  void note_source(GroupRun& run);
  const std::set<GroupRun*>& groups_of(TreeId tree);

  // Jobs
  void want_pump();
  void pump();
  void release_open_files(Instant now);
  bool waits_for_close(GroupRun& run, const OpenFiles::File& file);
  void set_activity();
  void start(const Job& job, Instant now);
  bool is_in_what_it_mirrors(const GroupRun& run, const Target& target) const;
  void connect(TargetId id);
  void end_connecting(TargetId id, const Outcome& outcome);
  void start_full(const Job& job, GroupRun& run, TargetRun& target);
  void start_live(Job job, GroupRun& run, const TargetRun& target);
  bool changes_other_names(const Job& job, const GroupRun& run, const TargetRun& target);
  void set_big_aside(Job& job, const GroupRun& run, const TargetRun& target);
  static void hide_only_what_matters(Transfer& transfer, const std::vector<std::string>& paths,
                                     const FileList& list);
  void put_entries_back(Job& job, const GroupRun& run);
  FileList make_list(const Job& job, const GroupRun& run, const Transfer& transfer);
  Transfer make_transfer(TargetId id, const GroupRun& run, Lane lane) const;
  std::string session_for(const std::string& control_path) const;
  Lane lane_for(const Job& job, GroupRun& run) const;
  void run_list(RunKey key, const Transfer& transfer, const std::string& list);
  void launch(RunKey key, const Transfer& transfer, std::optional<std::string> list);
  void end_run(RunKey key, Run::Result result);
  void tell_hooks(RunKey key, const Outcome& outcome);
  bool repeats(RunKey key, const Run::Result& result);
  void note_outcome(TargetRun& target, const Outcome& outcome);
  void hold(TargetRun& target, Outcome& outcome);

  std::unique_ptr<Run> start_verification(TargetId id, Run::Done done);

  // Standbys
  void update_standbys(Instant now);
  void leave_sessions(std::vector<TargetId>& wanted) const;
  bool may_have_standby(const GroupRun& run) const;
  bool waits_in_source(TargetId id, const Standby& standby) const;
  Instant next_standby_at(TargetId id) const;
  void start_standby(TargetId id);
  std::unique_ptr<Run> take_standby(TargetId id);
  void arm_timer();
  void rescan_due(Instant now);
  bool is_compared(const GroupRun& run) const;
  bool all_can_be_seen(const GroupRun& run) const;
  void abandon_runs(const GroupRun& run);
  void abandon_runs(TargetId id);
  std::optional<Duration> rescan_interval(const GroupRun& run) const;
  void look_for_raised_limits();
  bool sources_are_watched() const;

  // Status
  static uint64_t realtime_usec(Instant when, Instant now);
  Status make_status(Instant now) const;
  uint64_t reached_checkpoint(const TargetQueue& queue) const;
  GroupStatus group_status(const GroupRun& run) const;
  TargetStatus target_status(TargetId id, Instant now) const;
  std::string why_missing(const GroupRun& run) const;
  std::string problem_of(const GroupRun& run) const;
  const TreeWatcher& watcher(const GroupRun& run) const { return watchers_.of(run.tree); }
  TreeWatcher& watcher(const GroupRun& run) { return watchers_.of(run.tree); }
  void publish(Instant now);
  void publish_at_once();

  Loop& loop_;
  Observer observer_;
  Config config_;
  uint64_t config_loaded_usec_ = 0;
  Scheduler scheduler_;
  WatchPool watchers_;
  std::map<TreeId, std::set<GroupRun*>> trees_;  // who shares which
  std::map<std::string, std::unique_ptr<GroupRun>> groups_;
  std::map<TargetId, TargetRun> targets_;
  Connections connections_;
  Hooks hooks_;
  std::map<RunKey, Running> runs_;
  std::map<TargetId, Standby> standbys_;
  Verifications verifications_;
  uint64_t last_checkpoint_ = 0;
  Status published_;
  std::optional<Instant> published_at_;
  bool publish_waits_ = false;
  bool ready_ = false;
  std::optional<Instant> extended_at_;
  std::function<void()> stopped_;
  Source pump_source_;
  Source timer_;
  Source limit_timer_;
};

}  // namespace mirrord
