// Engine: comparisons byte by byte, on request.
#include <system_error>

#include "daemon/engine.hpp"

namespace mirrord {

Engine::Found Engine::verify(const std::string& group, const std::string& target,
                             Verifications::Done verified, uint64_t& number) {
  std::vector<Verifications::Subject> subjects;
  Found found = for_each_selected(group, target, [&](TargetId id) {
    const TargetRun& chosen = targets_.at(id);
    subjects.push_back({id, chosen.group->config.name, chosen.config.name});
  });
  if (found == Found::yes) verifications_.begin(std::move(subjects), std::move(verified), number);
  return found;
}

std::unique_ptr<Run> Engine::start_verification(TargetId id, Run::Done done) {
  auto known = targets_.find(id);
  if (known == targets_.end()) return nullptr;  // a reload has removed it
  const TargetRun& target = known->second;
  const GroupRun& run = *target.group;
  if (watcher(run).state(run.tree) != TreeState::watching)
    throw std::system_error(ENOENT, std::generic_category(),
                            "the source is not watched: '" + run.config.source + "'");
  return std::make_unique<Run>(loop_, run.config, target.config,
                               make_transfer(id, run, Lane::verify), std::nullopt, std::move(done));
}

}  // namespace mirrord
