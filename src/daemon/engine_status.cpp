// Engine: what it shows of itself.
#include <fmt/format.h>

#include <cerrno>
#include <chrono>

#include "core/escape.hpp"
#include "daemon/engine.hpp"
#include "io/inotify.hpp"
#include "io/notify.hpp"

namespace mirrord {

namespace {

GroupState group_state(TreeState state, bool degraded) {
  switch (state) {
    case TreeState::crawling:
      return GroupState::crawling;
    case TreeState::missing:
      return GroupState::source_missing;
    case TreeState::watching:
      return degraded ? GroupState::degraded : GroupState::watching;
  }
  return GroupState::crawling;
}

std::string directories(size_t count) {
  return fmt::format("{} director{}", count, count == 1 ? "y is" : "ies are");
}

/// What the limit is now and the line that raises it, sysctl(8).
std::string limit_problem(const Blindness& blindness) {
  const InotifyLimit limit = limit_behind(blindness.error);
  const size_t more = blindness.error == ENOSPC ? blindness.unwatched : 0;
  return fmt::format("{} not watched, the limit of {} is reached; raise it: {}",
                     directories(blindness.unwatched), limit.value, command_raising(limit, more));
}

}  // namespace

uint64_t Engine::realtime_usec(Instant when, Instant now) {
  // One offset, until somebody sets the clock: two readings of two clocks differ each time, and so
  // would the time of what has not changed.
  static Duration offset{};
  auto wall =
      std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch());
  Duration fresh = wall - now.time_since_epoch();
  if (std::chrono::abs(fresh - offset) > std::chrono::seconds(1)) offset = fresh;
  return static_cast<uint64_t>((when.time_since_epoch() + offset).count());
}

/// What may be said after "the source".
std::string Engine::why_missing(const GroupRun& run) const {
  return watcher(run).is_unmounted(run.tree) ? "is on a file system that is not mounted, or empty"
                                             : "is missing, no directory or cannot be read";
}

std::string Engine::problem_of(const GroupRun& run) const {
  if (watcher(run).state(run.tree) == TreeState::missing)
    return "the source " + why_missing(run) + "; nothing is deleted";
  Blindness blindness = watcher(run).blindness(run.tree);
  std::string problem;
  if (blindness.unwatched > 0 && blindness.error == 0)
    problem = directories(blindness.unwatched) + " not readable, or not mounted (see the journal)";
  if (blindness.error != 0) problem = limit_problem(blindness);
  if (watcher(run).waits_for_descriptor(run.tree))
    problem = "no file descriptor is free, so directories wait to be watched; raise LimitNOFILE=";
  if (!blindness.remote.empty())
    problem += fmt::format("{}changes by other hosts go unseen on {}", problem.empty() ? "" : "; ",
                           blindness.remote.substr(0, blindness.remote.find(' ')));
  if (problem.empty()) return "";
  const auto interval = rescan_interval(run);
  if (!interval) return problem;
  return problem + fmt::format("; {} every {} s",
                               all_can_be_seen(run) ? "looked at again" : "compared",
                               interval->count() / 1'000'000);
}

GroupStatus Engine::group_status(const GroupRun& run) const {
  GroupStatus status;
  status.name = run.config.name;
  status.source = escape(run.config.source);
  const TreeWatcher& tree = watcher(run);
  size_t unwatched = tree.blindness(run.tree).unwatched;
  bool degraded = unwatched > 0 || tree.waits_for_descriptor(run.tree);
  status.resolved_source = escape(tree.resolved_source(run.tree));
  status.state = group_state(tree.state(run.tree), degraded);
  status.problem = problem_of(run);
  status.watched_directories = tree.directories(run.tree) - unwatched;
  status.followed_links = tree.followed_links(run.tree);
  for (TargetId id : run.targets) status.targets.push_back(targets_.at(id).config.name);
  return status;
}

TargetStatus Engine::target_status(TargetId id, Instant now) const {
  const TargetRun& target = targets_.at(id);
  const TargetQueue& queue = scheduler_.queue(id);
  TargetStatus status;
  status.group = target.group->config.name;
  status.name = target.config.name;
  status.destination = escape(target.config.destination.text);
  status.state = queue.state(now);
  status.pending = queue.pending();
  status.full_pending = queue.full().oldest().has_value();
  if (auto oldest = queue.oldest_pending())
    status.oldest_pending_usec = realtime_usec(*oldest, now);
  // Targets on one host wait for it together once they have asked for their connection.
  auto next = queue.next_attempt();
  if (!next) next = connections_.next_login(id);
  if (next) status.next_attempt_usec = realtime_usec(*next, now);
  status.last_sync_usec = target.last_sync_usec;
  status.last_error = escape(target.last_error);
  status.last_exit_status = target.last_exit_status;
  status.consecutive_failures = queue.failures();
  status.transfers = target.transfers;
  status.files_sent = target.files;
  status.bytes_sent = target.bytes;
  status.hook_pending = hooks_.pending(id);
  status.hook_failures = hooks_.failures(id);
  status.reached_checkpoint = reached_checkpoint(queue);
  if (auto full = runs_.find({id, JobKind::full}); full != runs_.end())
    status.progress = std::max(0.0, full->second.run->progress());
  return status;
}

uint64_t Engine::checkpoint() {
  watchers_.drain();
  Instant now = loop_.now();
  // What was changed and is not open any more, or never was, need not wait.
  for (auto& [name, run] : groups_)
    for (const OpenFiles::File& file : run->open_files.take_all())
      if (!waits_for_close(*run, file)) tell_targets(*run, file.path, ChangeKind::data, now);
  last_checkpoint_ = static_cast<uint64_t>(now.time_since_epoch().count());
  publish_at_once();
  want_pump();
  return last_checkpoint_;
}

uint64_t Engine::reached_checkpoint(const TargetQueue& queue) const {
  // Before its first comparison a target may lack what changed while we were not running.
  if (!queue.full().completed()) return 0;
  auto oldest = queue.oldest_pending();
  if (!oldest) return last_checkpoint_;
  auto before = static_cast<uint64_t>(oldest->time_since_epoch().count()) - 1;
  return std::min(last_checkpoint_, before);
}

Status Engine::make_status(Instant now) const {
  Status status;
  for (const auto& [name, run] : groups_) {
    status.groups.push_back(group_status(*run));
    for (TargetId id : run->targets) status.targets.push_back(target_status(id, now));
  }
  status.running_transfers = scheduler_.running();
  status.max_transfers = config_.limits.max_transfers;
  status.config_loaded_usec = config_loaded_usec_;
  return status;
}

/// Whoever asked for what has changed looks at it next.
void Engine::publish_at_once() {
  published_at_.reset();
  publish(loop_.now());
}

void Engine::publish(Instant now) {
  // Coalesced, or a busy queue would make the bus busier than itself.
  publish_waits_ = published_at_ && now < *published_at_ + kPublishInterval;
  if (publish_waits_) return;
  Status fresh = make_status(now);
  if (fresh == published_) return;
  published_at_ = now;
  Status before = std::exchange(published_, std::move(fresh));
  notify::status(summary(published_));
  if (observer_.changed) observer_.changed(before, published_);
}

}  // namespace mirrord
