// Engine, part two: from due jobs to running rsyncs and back.
#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "core/escape.hpp"
#include "daemon/engine.hpp"
#include "io/file_system.hpp"
#include "io/log.hpp"

namespace mirrord {

void Engine::want_pump() {
  if (!pump_source_)
    pump_source_ = loop_.each_turn([this] {
      pump_source_.reset();
      pump();
    });
}

void Engine::pump() {
  Instant now = loop_.now();
  if (stopped_) {
    if (runs_.empty()) std::exchange(stopped_, nullptr)();
    return;
  }
  release_open_files(now);
  rescan_due(now);
  set_activity();
  for (const Job& job : scheduler_.due(now)) start(job, now);
  bool becomes_ready = !ready_ && sources_are_watched();
  if (becomes_ready) published_at_.reset();  // whoever waits for us reads the newest status
  publish(now);
  arm_timer();
  if (!becomes_ready) return;
  ready_ = true;
  if (observer_.ready) observer_.ready();
}

void Engine::release_open_files(Instant now) {
  for (auto& [name, run] : groups_)
    for (const OpenFiles::File& file : run->open_files.take_due(now)) {
      if (!file.created && waits_for_close(*run, file.path, now)) continue;
      for (TargetId id : run->targets)
        scheduler_.queue(id).changed(file.path, ChangeKind::data, now);
    }
}

bool Engine::waits_for_close(GroupRun& run, const std::string& path, Instant now) {
  std::optional<bool> open = is_open_for_writing(watcher(run).file_path(run.tree, path));
  // When we cannot know, it waits like a created file: for its close, or the longest delay.
  if (!open) run.open_files.created(path, now + run.config.max_delay);
  return open.value_or(true);
}

void Engine::arm_timer() {
  std::optional<Instant> next = scheduler_.next_wakeup();
  auto consider = [&](std::optional<Instant> when) {
    if (when && (!next || *when < *next)) next = when;
  };
  for (auto& [name, run] : groups_) {
    consider(run->open_files.next_deadline());
    consider(run->rescan_at);
  }
  if (publish_waits_) consider(*published_at_ + kPublishInterval);
  loop_.arm(timer_, next);
}

/// Nothing starts before all directories are known: a loop among them would be walked into.
void Engine::set_activity() {
  for (auto& [name, run] : groups_) {
    const TreeWatcher& tree = watcher(*run);
    bool active = tree.state(run->tree) == TreeState::watching && !tree.is_crawling(run->tree);
    for (TargetId id : run->targets) scheduler_.queue(id).set_active(active);
  }
}

void Engine::start(const Job& job, Instant now) {
  const TargetRun& target = targets_.at(job.target);
  GroupRun& run = *target.group;
  Run::Result failed;
  // Not the directory that was watched: nothing of it may be sent, least of all a deletion. Of
  // several targets the first to ask finds out; the tree is then looked at again.
  if (!watcher(run).stands(run.tree) || watcher(run).state(run.tree) != TreeState::watching) {
    scheduler_.queue(job.target).set_active(false);
    return scheduler_.give_back(job.target, job.kind, now);
  }
  try {
    start_run(job, run, target);
  } catch (const std::system_error& e) {
    failed.outcome.text = e.what();
    end_run({job.target, job.kind}, failed);
  }
}

void Engine::start_run(const Job& job, GroupRun& run, const TargetRun& target) {
  bool live = job.kind == JobKind::live;
  Transfer transfer;
  transfer.lane = live ? lane_of(job.batch.kind) : Lane::full;
  if (transfer.lane != Lane::data && transfer.lane != Lane::attributes) {
    transfer.hidden = watcher(run).hidden(run.tree);
    // Of a path that is listed and hidden as well, rsync does not delete the copy.
    std::erase_if(transfer.hidden, [&](const std::string& path) {
      return std::ranges::find(job.batch.paths, path) != job.batch.paths.end();
    });
    transfer.unreadable = watcher(run).unreadable(run.tree);
  }
  // Absence is only inferred here: an empty source may be a lost mount.
  if (!live) transfer.by_checksum = target.distrusts_times;
  if (!live) transfer.may_delete = !is_empty_directory(run.config.source);
  auto probe = [&](const std::string& path) { return watcher(run).probe(run.tree, path); };
  std::string list = live ? build_file_list(job.batch.paths, probe, depth_of(transfer.lane)) : "";
  if (live && list.empty()) {
    // Nothing of it is part of the mirror.
    Outcome nothing_to_do;
    nothing_to_do.verdict = Verdict::done;
    return scheduler_.finished(job.target, job.kind, nothing_to_do, loop_.now());
  }
  RunKey key{job.target, job.kind};
  runs_[key] =
      std::make_unique<Run>(loop_, run.config, target.config, transfer, list,
                            [this, key](const Run::Result& result) { end_run(key, result); });
}

void Engine::end_run(RunKey key, const Run::Result& result) {
  if (stopped_) {
    // We ended it ourselves; the next start compares everything.
    runs_.erase(key);
    return want_pump();
  }
  if (abandoned_.erase(key) != 0) {
    scheduler_.give_back(key.first, key.second, loop_.now());
    runs_.erase(key);
    return want_pump();
  }
  TargetRun& target = targets_.at(key.first);
  TargetQueue& queue = scheduler_.queue(key.first);
  const Outcome& outcome = result.outcome;
  bool was_failing = !target.last_error.empty();
  scheduler_.finished(key.first, key.second, outcome, loop_.now());
  bool failed = outcome.verdict == Verdict::failed || outcome.verdict == Verdict::partial;
  ++target.transfers;
  target.files += outcome.files;
  target.bytes += outcome.bytes;
  target.last_exit_status = outcome.exit_status;
  if (!failed && key.second == JobKind::full) target.distrusts_times = false;
  if (failed)
    target.last_error = outcome.text;
  else
    target.last_sync_usec = realtime_usec(loop_.now(), loop_.now());
  // One clean batch does not mend what is stuck.
  if (!failed && !queue.troubled()) target.last_error.clear();
  log_result(target, key, result, was_failing);
  runs_.erase(key);
  want_pump();
}

void Engine::log_result(const TargetRun& target, RunKey key, const Run::Result& result,
                        bool was_failing) const {
  const Outcome& outcome = result.outcome;
  const std::string& group = target.group->config.name;
  log::Fields fields{{"MIRRORD_GROUP", group},
                     {"MIRRORD_TARGET", target.config.name},
                     {"MIRRORD_EXIT_STATUS", std::to_string(outcome.exit_status)},
                     {"MIRRORD_PATHS", std::to_string(result.paths)},
                     {"MIRRORD_BYTES", std::to_string(outcome.bytes)},
                     {"MIRRORD_DURATION_USEC", std::to_string(result.duration.count())}};
  if (!result.error.empty()) fields.push_back({"MIRRORD_STDERR", result.error});
  std::string what = key.second == JobKind::full
                         ? "full sync"
                         : fmt::format("{} path{}", result.paths, result.paths == 1 ? "" : "s");
  std::string prefix = fmt::format("{}/{}: {}", group, target.config.name, what);
  double seconds = static_cast<double>(result.duration.count()) / 1e6;
  if (outcome.verdict == Verdict::failed || outcome.verdict == Verdict::partial) {
    fields.push_back({"MESSAGE_ID", std::string(log::message::kSyncFailed)});
    auto next = scheduler_.queue(key.first).next_attempt();
    std::string retry =
        next ? fmt::format(
                   ", retrying in {:.1f} s",
                   static_cast<double>(std::max(*next - loop_.now(), Duration{}).count()) / 1e6)
             : "";
    std::string own =
        outcome.text.ends_with(outcome.complaint) ? "" : ": " + escape(outcome.complaint);
    log::write(LogLevel::warning, fmt::format("{}: {}{}{}", prefix, outcome.text, own, retry),
               fields);
    return;
  }
  if (was_failing && target.last_error.empty()) {
    log::Fields recovered{
        fields[0], fields[1], {"MESSAGE_ID", std::string(log::message::kRecovered)}};
    log::write(LogLevel::notice, fmt::format("{}/{}: recovered", group, target.config.name),
               recovered);
  }
  log::write(
      LogLevel::info,
      fmt::format("{} in {:.3f} s, {} files, {} bytes sent{}", prefix, seconds, outcome.files,
                  outcome.bytes, outcome.verdict == Verdict::again ? ", some vanished" : ""),
      fields);
}

}  // namespace mirrord
