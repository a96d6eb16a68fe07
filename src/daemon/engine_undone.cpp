// Engine: what it has to do and has not done, for the watchdog.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "daemon/engine.hpp"

namespace mirrord {

namespace {

void tell_ended(std::vector<std::string>& undone, const Run& run, const Group& group,
                const Target& target) {
  if (run.has_ended())
    undone.push_back(fmt::format("rsync {} of {}/{} has ended and was not noticed", run.pid(),
                                 group.name, target.name));
}

void add(std::vector<std::string>& undone, std::vector<std::string> more) {
  std::ranges::move(more, std::back_inserter(undone));
}

}  // namespace

std::vector<std::string> Engine::undone(Instant now) const {
  std::vector<std::string> undone;
  auto ended = [&](TargetId id, const Run& run) {
    const TargetRun& target = targets_.at(id);
    tell_ended(undone, run, target.group->config, target.config);
  };
  for (const auto& [key, running] : runs_) ended(key.first, *running.run);
  for (const auto& [id, standby] : standbys_) ended(id, *standby.run);
  add(undone, verifications_.undone());
  add(undone, connections_.undone(now));
  add(undone, hooks_.undone(now));
  add(undone, watchers_.undone());
  if (stopped_) return undone;
  if (auto due = scheduler_.next_wakeup(); due && *due <= now)
    undone.push_back(
        fmt::format("what is due since {} µs was not started", due->time_since_epoch().count()));
  return undone;
}

}  // namespace mirrord
