// Engine, part three: what it shows of itself.
#include <fmt/format.h>

#include <chrono>
#include <fstream>

#include "core/escape.hpp"
#include "daemon/engine.hpp"
#include "io/notify.hpp"

namespace mirrord {

namespace {

GroupState group_state(TreeState state, bool degraded) {
  switch (state) {
    case TreeState::crawling: return GroupState::crawling;
    case TreeState::missing: return GroupState::source_missing;
    case TreeState::watching: return degraded ? GroupState::degraded : GroupState::watching;
  }
  return GroupState::crawling;
}

uint64_t max_user_watches() {
  uint64_t limit = 0;
  std::ifstream("/proc/sys/fs/inotify/max_user_watches") >> limit;
  return limit;
}

}  // namespace

uint64_t Engine::realtime_usec(Instant when, Instant now) {
  auto wall = std::chrono::duration_cast<Duration>(
      std::chrono::system_clock::now().time_since_epoch());
  return static_cast<uint64_t>((wall - (now - when)).count());
}

std::string Engine::problem_of(const GroupRun& run) const {
  if (watcher_.state(run.tree) == TreeState::missing)
    return "the source is missing or cannot be read";
  size_t unwatched = watcher_.unwatched(run.tree);
  if (unwatched == 0) return "";
  if (!watcher_.at_watch_limit(run.tree))
    return fmt::format("{} directories cannot be read (see the journal)", unwatched);
  uint64_t limit = max_user_watches();
  return fmt::format("{} directories are not watched: the limit of {} is reached; raise it: "
                     "sysctl fs.inotify.max_user_watches={}",
                     unwatched, limit, limit * 2);
}

GroupStatus Engine::group_status(const GroupRun& run) const {
  GroupStatus status;
  status.name = run.config.name;
  status.source = escape(run.config.source);
  status.resolved_source = escape(watcher_.resolved_source(run.tree));
  status.state = group_state(watcher_.state(run.tree), watcher_.unwatched(run.tree) > 0);
  status.problem = problem_of(run);
  status.watched_directories = watcher_.directories(run.tree) - watcher_.unwatched(run.tree);
  status.followed_links = watcher_.followed_links(run.tree);
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
  status.full_pending = queue.full_wanted() || queue.full_running();
  if (auto oldest = queue.oldest_pending())
    status.oldest_pending_usec = realtime_usec(*oldest, now);
  if (auto next = queue.next_attempt()) status.next_attempt_usec = realtime_usec(*next, now);
  status.last_sync_usec = target.last_sync_usec;
  status.last_error = escape(target.last_error);
  status.last_exit_status = target.last_exit_status;
  status.consecutive_failures = queue.failures();
  status.transfers = target.transfers;
  status.files_sent = target.files;
  status.bytes_sent = target.bytes;
  return status;
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
