// Engine: from due jobs to running rsyncs.
#include <algorithm>
#include <set>
#include <string_view>
#include <system_error>

#include "core/deletion_guard.hpp"
#include "core/related_paths.hpp"
#include "core/ssh.hpp"
#include "daemon/engine.hpp"
#include "io/file_system.hpp"

namespace mirrord {

void Engine::want_pump() {
  if (!pump_source_)
    pump_source_ = loop_.after_events([this] {
      pump_source_.reset();
      pump();
    });
}

void Engine::pump() {
  Instant now = loop_.now();
  if (stopped_) {
    if (!runs_.empty() || !hooks_.idle()) return;
    connections_.close_all();
    return std::exchange(stopped_, nullptr)();
  }
  release_open_files(now);
  rescan_due(now);
  set_activity();
  for (const Job& job : scheduler_.due(now)) start(job, now);
  update_standbys(now);
  bool becomes_ready = !ready_ && sources_are_watched();
  if (becomes_ready) published_at_.reset();  // whoever waits for us reads the newest status
  publish(now);
  arm_timer();
  if (!becomes_ready) return;
  ready_ = true;
  watchers_.remember_mounts();
  if (observer_.ready) observer_.ready();
}

void Engine::release_open_files(Instant now) {
  for (auto& [name, run] : groups_)
    for (const OpenFiles::File& file : run->open_files.take_due(now)) {
      const bool waited_enough = file.created && now >= file.since + run->config.max_delay;
      if (!waited_enough && waits_for_close(*run, file)) continue;
      tell_targets(*run, file.path, ChangeKind::data, now, file.since);
    }
}

bool Engine::waits_for_close(GroupRun& run, const OpenFiles::File& file) {
  std::optional<bool> open = is_open_for_writing(watcher(run).file_path(run.tree, file.path));
  // When we cannot know, it waits like a created file: for its close, or the longest delay.
  const bool waits_on = open.value_or(true) && (file.created || !open);
  if (waits_on) run.open_files.created(file.path, file.since, file.since + run.config.max_delay);
  return open.value_or(true);
}

void Engine::arm_timer() {
  std::optional<Instant> next = scheduler_.next_wakeup();
  auto consider = [&](std::optional<Instant> when) {
    if (when && (!next || *when < *next)) next = when;
  };
  for (auto& [name, run] : groups_) {
    consider(run->open_files.next_deadline());
    // One that is overdue waits for the end of a full sync.
    if (run->rescan_at && *run->rescan_at > loop_.now()) consider(run->rescan_at);
  }
  for (const auto& [id, standby] : standbys_) consider(scheduler_.queue(id).standby_until());
  for (const auto& [key, running] : runs_)
    if (Instant standby = next_standby_at(key.first); standby > loop_.now()) consider(standby);
  // How far a full sync is, is shown once in a while.
  constexpr auto kProgressInterval = std::chrono::seconds(1);
  for (const auto& [key, running] : runs_)
    if (key.second == JobKind::full) consider(loop_.now() + kProgressInterval);
  if (publish_waits_) consider(*published_at_ + kPublishInterval);
  loop_.arm(timer_, next);
}

/// No transfer starts before all directories are known: a loop among them would be walked into.
void Engine::set_activity() {
  for (auto& [name, run] : groups_) {
    const TreeWatcher& tree = watcher(*run);
    Activity activity = tree.is_crawling(run->tree) ? Activity::connecting : Activity::all;
    const bool is_missing = tree.state(run->tree) == TreeState::missing;
    if (is_missing || tree.waits_for_descriptor(run->tree)) activity = Activity::none;
    for (TargetId id : run->targets) scheduler_.queue(id).set_activity(activity);
  }
}

void Engine::start(const Job& job, Instant now) {
  if (job.kind == JobKind::connect) return connect(job.target);
  TargetRun& target = targets_.at(job.target);
  GroupRun& run = *target.group;
  // Not the directory that was watched: nothing of it may be sent, least of all a deletion. Of
  // several targets the first to ask finds out; the tree is then looked at again.
  if (!watcher(run).stands(run.tree) || watcher(run).state(run.tree) != TreeState::watching) {
    scheduler_.queue(job.target).set_activity(Activity::none);
    return scheduler_.give_back(job.target, job.kind, now);
  }
  Run::Result failed;
  if (is_in_what_it_mirrors(run, target.config)) {
    failed.outcome = failed_because(
        "the target overlaps with the source, or with a directory that a link of it leads to; "
        "exclude the link, or move the target");
    return end_run({job.target, job.kind}, failed);
  }
  try {
    if (job.kind == JobKind::full)
      start_full(job, run, target);
    else
      start_live(job, run, target);
  } catch (const std::system_error& e) {
    failed.outcome = failed_because(e.what());
    end_run({job.target, job.kind}, failed);
  }
}

/// Each copy would then be a change that has to be copied.
bool Engine::is_in_what_it_mirrors(const GroupRun& run, const Target& target) const {
  if (target.destination.kind != Destination::Kind::local) return false;
  const bool deletes = run.config.delete_mode != DeleteMode::never;
  return watcher(run).holds_copy(run.tree, target.destination.path, deletes);
}

void Engine::connect(TargetId id) {
  TargetRun& target = targets_.at(id);
  connections_.open(id, target.group->config, target.config,
                    [this, id](const Outcome& outcome) { end_connecting(id, outcome); });
}

void Engine::end_connecting(TargetId id, const Outcome& outcome) {
  scheduler_.finished(id, JobKind::connect, outcome, loop_.now());
  want_pump();
  if (outcome.verdict == Verdict::done) return;
  TargetRun& target = targets_.at(id);
  note_outcome(target, outcome);
  Run::Result result;
  result.outcome = outcome;
  target.log.ended(target.group->config, target.config, JobKind::connect, result,
                   scheduler_.queue(id).next_attempt(), loop_.now());
}

Transfer Engine::make_transfer(TargetId id, const GroupRun& run, Lane lane) const {
  Transfer transfer;
  transfer.lane = lane;
  if (const Connections::Link* link = connections_.find(id)) {
    transfer.can = link->can;
    transfer.control_path = session_for(link->control_path);
  }
  if (lane == Lane::data || lane == Lane::attributes) return transfer;
  transfer.hidden = watcher(run).hidden(run.tree);
  transfer.unreadable = watcher(run).unreadable(run.tree);
  return transfer;
}

/// The target's master has room for so many sessions: sshd's MaxSessions is 10 where nobody has set
/// it, sshd_config(5), and one that has ended may still count there. More connect by themselves.
std::string Engine::session_for(const std::string& control_path) const {
  constexpr int kSessions = 9;
  auto is_session = [&](const auto& entry) {
    const std::unique_ptr<Run>& run = entry.second.run;
    return run && run->control_path() == control_path;
  };
  const auto sessions = connections_.probes(control_path) + verifications_.sessions(control_path) +
                        std::ranges::count_if(runs_, is_session) +
                        std::ranges::count_if(standbys_, is_session);
  return sessions < kSessions || !is_master(control_path) ? control_path : kNoMaster;
}

void Engine::start_full(const Job& job, GroupRun& run, TargetRun& target) {
  Transfer transfer = make_transfer(job.target, run, Lane::full);
  transfer.by_checksum = target.distrusts_times;
  // Many files may have come since their directories were crawled.
  transfer.entries = std::max(watcher(run).entries(run.tree), target.entries);
  // Absence is only inferred here: an empty source may be a lost mount.
  target.source_was_empty = is_empty_directory(run.config.source);
  const MaxDelete& guard = run.config.max_delete;
  bool guarded = guard.count || guard.percent || target.source_was_empty;
  const bool may_delete = job.deletions == Deletions::free ||
                          (job.deletions != Deletions::counted && !target.source_was_empty);
  if (guarded && !may_delete) transfer.max_delete = 0;
  if (guarded && may_delete && job.deletions == Deletions::limited)
    transfer.max_delete = deletion_limit(guard, target.entries);
  launch({job.target, JobKind::full}, transfer, std::nullopt);
}

void Engine::start_live(Job job, GroupRun& run, const TargetRun& target) {
  if (job.kind == JobKind::live) set_big_aside(job, run, target);
  const MaxDelete& guard = run.config.max_delete;
  const bool is_judged = scheduler_.queue(job.target).full().passed_guard();
  const bool guarded = (guard.count || guard.percent) && !is_judged;
  // What a comparison that is held has failed at was not seen to become another thing.
  const bool is_held = scheduler_.queue(job.target).full().held() && job.batch.has_failed;
  if (guarded && !is_held) put_entries_back(job, run);
  if (job.batch.paths.empty()) return scheduler_.give_back(job.target, job.kind, loop_.now());
  Transfer transfer = make_transfer(job.target, run, lane_for(job, run));
  // A run of trees compares, too: it deletes nothing that the guard has not judged.
  if (guarded) transfer.max_delete = 0;
  const FileList list = make_list(job, run, transfer);
  if (!transfer.hidden.empty()) hide_only_what_matters(transfer, job.batch.paths, list);
  const bool removes = deletes(run.config, transfer.lane);
  TargetQueue& queue = scheduler_.queue(job.target);
  for (const std::string& directory : list.losers) {
    // Where nothing is deleted, only its time is another one. The source itself cannot be named.
    const bool is_named = !removes && !directory.empty();
    const ChangeKind lost = is_named ? ChangeKind::attributes : ChangeKind::children;
    queue.changed(directory, lost, loop_.now(), job.batch.oldest);
  }
  const RunKey key{job.target, job.kind};
  const bool doubts_names = changes_other_names(job, run, target);
  run_list(key, transfer, list.text);
  if (auto running = runs_.find(key); doubts_names && running != runs_.end())
    running->second.names_doubted_since = job.batch.oldest;
}

/// rsync holds each entry against each rule. And of a path that is listed and hidden as well, it
/// does not delete the copy.
void Engine::hide_only_what_matters(Transfer& transfer, const std::vector<std::string>& paths,
                                    const FileList& list) {
  const std::set<std::string> batch(paths.begin(), paths.end());
  const auto listed = paths_in(list);
  std::erase_if(transfer.hidden, [&](const std::string& path) {
    return listed.contains(path) || related(batch, path).empty();
  });
}

/// What is no directory any more is not compared, and may take the place of one.
void Engine::put_entries_back(Job& job, const GroupRun& run) {
  if (job.batch.kind != ChangeKind::tree) return;
  const auto is_directory = [&](const std::string& path) {
    return watcher(run).probe(run.tree, path) == Entry::directory;
  };
  auto& paths = job.batch.paths;
  const auto first = std::stable_partition(paths.begin(), paths.end(), is_directory);
  if (first == paths.end()) return;
  scheduler_.queue(job.target).put_back(job.kind, {first, paths.end()});
  paths.erase(first, paths.end());
  want_pump();
}

FileList Engine::make_list(const Job& job, const GroupRun& run, const Transfer& transfer) {
  auto probe = [&](const std::string& path) { return watcher(run).probe(run.tree, path); };
  const bool by_name = deletes(run.config, transfer.lane) && transfer.can.deletes_missing_args();
  const Missing missing = by_name ? Missing::listed : Missing::by_directory;
  Depth depth = depth_of(transfer.lane);
  if (depth == Depth::tree && run.config.symlinks == Symlinks::follow_external)
    depth = Depth::linked_tree;
  return build_file_list(job.batch.paths, probe, depth, missing);
}

/// Of the names of a file the kernel names but the one that it was changed by, inotify(7); and
/// rsync joins them only where it sees all of them.
bool Engine::changes_other_names(const Job& job, const GroupRun& run, const TargetRun& target) {
  const bool names_entries = job.batch.kind <= ChangeKind::data;
  if (!names_entries) return target.config.rsync.hard_links;
  return std::ranges::any_of(job.batch.paths, [&](const std::string& path) {
    return has_hard_links(watcher(run).file_path(run.tree, path));
  });
}

/// Big is what takes a second or more where a second of bandwidth is known, and a tree of which
/// that cannot be ruled out quickly. Where there is no slot for it, it goes along: other targets'
/// long transfers must not hold it up.
void Engine::set_big_aside(Job& job, const GroupRun& run, const TargetRun& target) {
  constexpr uint64_t kBig = 16 * 1024 * 1024;
  constexpr size_t kManyEntries = 1'000;
  const bool trees = job.batch.kind == ChangeKind::tree;
  if (!trees && job.batch.kind != ChangeKind::data) return;
  if (!scheduler_.has_slot(JobKind::big)) return;
  uint64_t limit = target.config.rsync.bandwidth_limit;
  uint64_t big = limit == 0 ? kBig : std::min(kBig, limit);
  size_t looks = 10 * kManyEntries;  // in the whole batch
  auto is_small = [&](const std::string& path) {
    const std::string file = watcher(run).file_path(run.tree, path);
    return file_size(file) < big && !(trees && holds_more_than(file, big, kManyEntries, looks));
  };
  auto first_big = std::stable_partition(job.batch.paths.begin(), job.batch.paths.end(), is_small);
  if (first_big == job.batch.paths.end()) return;
  scheduler_.queue(job.target).set_aside({first_big, job.batch.paths.end()});
  job.batch.paths.erase(first_big, job.batch.paths.end());
  want_pump();
}

/// Attributes of a few small files go out as data, because a standby carries data: sending them
/// anew costs less than an rsync.
Lane Engine::lane_for(const Job& job, GroupRun& run) const {
  constexpr size_t kFewPaths = 32;
  constexpr uint64_t kLittleData = 4 * 1024 * 1024;
  Lane lane = lane_of(job.batch.kind);
  bool few = job.batch.paths.size() <= kFewPaths;
  if (lane != Lane::attributes || !few || !standbys_.contains(job.target)) return lane;
  uint64_t bytes = 0;
  for (const std::string& path : job.batch.paths)
    bytes += file_size(watcher(run).file_path(run.tree, path));
  return bytes <= kLittleData ? Lane::data : lane;
}

void Engine::run_list(RunKey key, const Transfer& transfer, const std::string& list) {
  if (list.empty()) {
    // Nothing of it is part of the mirror.
    Outcome nothing_to_do;
    nothing_to_do.verdict = Verdict::done;
    return scheduler_.finished(key.first, key.second, nothing_to_do, loop_.now());
  }
  bool fits = transfer.lane == Lane::data && key.second == JobKind::live;
  auto standby = fits ? take_standby(key.first) : nullptr;
  if (!standby) return launch(key, transfer, list);
  standby->feed(list, [this, key](const Run::Result& result) { end_run(key, result); });
  runs_[key] = {std::move(standby)};
}

void Engine::launch(RunKey key, const Transfer& transfer, std::optional<std::string> list) {
  const TargetRun& target = targets_.at(key.first);
  runs_[key] = {
      std::make_unique<Run>(loop_, target.group->config, target.config, transfer, std::move(list),
                            [this, key](const Run::Result& result) { end_run(key, result); })};
}

}  // namespace mirrord
