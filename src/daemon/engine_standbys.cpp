// Engine: transfers that are started ahead.
//
// A standby waits in the source directory of the moment it was started, with the options of that
// moment. It is thrown away when either may have changed, and after a minute without use, because
// its working directory keeps the source's file system from being unmounted.
#include <algorithm>
#include <system_error>

#include "core/ssh.hpp"
#include "daemon/engine.hpp"

namespace mirrord {

void Engine::update_standbys(Instant now) {
  auto waits = [&](TargetId id) { return standbys_.contains(id); };
  std::vector<TargetId> wanted = scheduler_.standbys(now, waits);
  std::erase_if(wanted, [&](TargetId id) { return !may_have_standby(*targets_.at(id).group); });
  leave_sessions(wanted);
  if (wanted.size() > config_.limits.max_standby) wanted.resize(config_.limits.max_standby);
  std::erase_if(standbys_, [&](const auto& entry) {
    return std::ranges::find(wanted, entry.first) == wanted.end() ||
           !waits_in_source(entry.first, entry.second);
  });
  for (TargetId id : wanted)
    if (!standbys_.contains(id) && next_standby_at(id) <= now) start_standby(id);
}

/// Of the sessions of a master, some are for those who come without a standby: each that finds none
/// would log in by itself.
void Engine::leave_sessions(std::vector<TargetId>& wanted) const {
  constexpr int kStandbysOfMaster = 7;
  std::map<std::string, int> standbys;
  std::erase_if(wanted, [&](TargetId id) {
    const std::string& master = connections_.find(id)->control_path;
    return is_master(master) && ++standbys[master] > kStandbysOfMaster;
  });
}

/// One outlives the crawl of a new directory, of which many may come in a row, but not one that
/// lacks a descriptor.
bool Engine::may_have_standby(const GroupRun& run) const {
  const TreeWatcher& tree = watcher(run);
  return run.config.standby && tree.state(run.tree) == TreeState::watching &&
         !tree.waits_for_descriptor(run.tree);
}

bool Engine::waits_in_source(TargetId id, const Standby& standby) const {
  const GroupRun& run = *targets_.at(id).group;
  return standby.source == watcher(run).identity(run.tree);
}

/// To start one takes the processors longer than a small transfer does, which goes first.
Instant Engine::next_standby_at(TargetId id) const {
  constexpr auto kHeadStart = std::chrono::milliseconds(10);
  auto live = runs_.find({id, JobKind::live});
  return live == runs_.end() ? Instant{} : live->second.run->started() + kHeadStart;
}

void Engine::start_standby(TargetId id) {
  const TargetRun& target = targets_.at(id);
  const GroupRun& run = *target.group;
  const Connections::Link& link = *connections_.find(id);
  const Transfer transfer = make_transfer(id, run, Lane::data);
  if (!link.can.waits_for_list() || transfer.control_path != link.control_path) return;
  if (!watcher(run).stands(run.tree)) return;
  try {
    standbys_[id] = {std::make_unique<Run>(loop_, run.config, target.config, transfer, std::nullopt,
                                           [this, id](const Run::Result&) {
                                             auto ended = std::move(standbys_.at(id).run);
                                             standbys_.erase(id);
                                             scheduler_.queue(id).standby_died();
                                             want_pump();
                                           }),
                     watcher(run).identity(run.tree)};
  } catch (const std::system_error&) {
    // The next transfer meets the same obstacle and tells of it.
    scheduler_.queue(id).standby_died();
  }
}

std::unique_ptr<Run> Engine::take_standby(TargetId id) {
  auto found = standbys_.find(id);
  if (found == standbys_.end()) return nullptr;
  std::unique_ptr<Run> standby;
  if (waits_in_source(id, found->second)) standby = std::move(found->second.run);
  standbys_.erase(found);
  return standby;
}

}  // namespace mirrord
