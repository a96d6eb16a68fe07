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
  running_ -= (queue.live_running() ? 1 : 0) + (queue.full_running() ? 1 : 0);
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
    if (running_ >= max_transfers_ || candidate.when > now) break;
    TargetQueue& queue = queues_.at(candidate.target);
    if (!queue.due(candidate.kind)) continue;  // its other job of this round excludes it
    Job job{candidate.target, candidate.kind, {}};
    if (candidate.kind == JobKind::live)
      job.batch = queue.start_live();
    else
      queue.start_full();
    ++running_;
    jobs.push_back(std::move(job));
  }
  return jobs;
}

void Scheduler::finished(TargetId target, JobKind kind, const Outcome& outcome, Instant now) {
  --running_;
  queues_.at(target).finished(kind, outcome, now);
}

std::optional<Instant> Scheduler::next_wakeup() const {
  if (running_ >= max_transfers_) return std::nullopt;
  std::vector<Candidate> all = candidates();
  if (all.empty()) return std::nullopt;
  return all.front().when;
}

}  // namespace mirrord
