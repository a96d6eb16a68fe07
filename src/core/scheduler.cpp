#include "core/scheduler.hpp"

#include <algorithm>

namespace mirrord {

TargetId Scheduler::add(const Pace& pace) {
  TargetId id = ++last_;
  queues_.emplace(id, TargetQueue(pace, id));
  return id;
}

void Scheduler::remove(TargetId target) {
  TargetQueue& queue = queues_.at(target);
  live_ -= queue.live_running() ? 1 : 0;
  long_ -= (queue.full().running() ? 1 : 0) + (queue.big_running() ? 1 : 0);
  queues_.erase(target);
}

std::vector<Scheduler::Candidate> Scheduler::candidates() const {
  std::vector<Candidate> result;
  for (const auto& [id, queue] : queues_)
    for (JobKind kind : {JobKind::connect, JobKind::live, JobKind::full, JobKind::big})
      if (auto when = queue.due(kind)) result.push_back({*when, id, kind});
  std::ranges::sort(result);
  return result;
}

std::vector<Job> Scheduler::due(Instant now) {
  std::vector<Job> jobs;
  for (const Candidate& candidate : candidates()) {
    if (candidate.when > now) break;
    if (!has_slot(candidate.kind)) continue;
    TargetQueue& queue = queues_.at(candidate.target);
    if (!queue.due(candidate.kind)) continue;  // its other job of this round excludes it
    jobs.push_back(start(queue, candidate));
  }
  return jobs;
}

Job Scheduler::start(TargetQueue& queue, const Candidate& candidate) {
  Job job{candidate.target, candidate.kind, {}, {}};
  switch (job.kind) {
    case JobKind::connect:
      queue.start_connecting();
      break;
    case JobKind::live:
      job.batch = queue.start_live();
      break;
    case JobKind::big:
      job.batch = queue.start_big();
      break;
    case JobKind::full:
      job.deletions = queue.start_full();
      break;
  }
  count(job.kind, +1);
  return job;
}

void Scheduler::count(JobKind kind, int change) {
  if (kind == JobKind::live) live_ += change;
  if (kind == JobKind::full || kind == JobKind::big) long_ += change;
}

void Scheduler::finished(TargetId target, JobKind kind, const Outcome& outcome, Instant now) {
  count(kind, -1);
  queues_.at(target).finished(kind, outcome, now);
}

void Scheduler::give_back(TargetId target, JobKind kind, Instant now) {
  count(kind, -1);
  queues_.at(target).give_back(kind, now);
}

std::vector<TargetId> Scheduler::standbys(Instant now,
                                          const std::function<bool(TargetId)>& waits) const {
  // Targets in use overtake each other all the time, and a start costs more than most changes.
  constexpr auto kLead = std::chrono::seconds(10);
  std::vector<std::pair<Instant, TargetId>> useful;
  for (const auto& [id, queue] : queues_)
    if (auto until = queue.standby_until(); until && *until > now)
      useful.push_back({waits(id) ? *until + kLead : *until, id});
  std::ranges::sort(useful, std::greater());
  std::vector<TargetId> ids;
  for (const auto& [until, id] : useful) ids.push_back(id);
  return ids;
}

bool Scheduler::has_slot(JobKind kind) const {
  if (kind == JobKind::connect) return true;
  if (running() >= max_transfers_) return false;
  return kind == JobKind::live || long_ < std::max(1U, max_transfers_ / 2);
}

std::optional<Instant> Scheduler::next_wakeup() const {
  for (const Candidate& candidate : candidates())
    if (has_slot(candidate.kind)) return candidate.when;
  return std::nullopt;
}

}  // namespace mirrord
