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
  full_ -= queue.full_running() ? 1 : 0;
  queues_.erase(target);
}

std::vector<Scheduler::Candidate> Scheduler::candidates() const {
  std::vector<Candidate> result;
  for (const auto& [id, queue] : queues_)
    for (JobKind kind : {JobKind::live, JobKind::full})
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
    Job job{candidate.target, candidate.kind, {}};
    if (candidate.kind == JobKind::live)
      job.batch = queue.start_live();
    else
      queue.start_full();
    ++running_of(candidate.kind);
    jobs.push_back(std::move(job));
  }
  return jobs;
}

void Scheduler::finished(TargetId target, JobKind kind, const Outcome& outcome, Instant now) {
  --running_of(kind);
  queues_.at(target).finished(kind, outcome, now);
}

void Scheduler::give_back(TargetId target, JobKind kind, Instant now) {
  --running_of(kind);
  queues_.at(target).give_back(kind, now);
}

bool Scheduler::has_slot(JobKind kind) const {
  if (running() >= max_transfers_) return false;
  return kind == JobKind::live || full_ < std::max(1U, max_transfers_ / 2);
}

std::optional<Instant> Scheduler::next_wakeup() const {
  for (const Candidate& candidate : candidates())
    if (has_slot(candidate.kind)) return candidate.when;
  return std::nullopt;
}

}  // namespace mirrord
