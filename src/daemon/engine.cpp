#include "daemon/engine.hpp"

#include <algorithm>

namespace mirrord {

namespace {

TreeRules rules_of(const Group& group) {
  return {group.source,  group.symlinks,    group.sync_on,
          group.runs_as, group.follow_into, group.filter};
}

Pace pace_of(const Group& group) { return {group.delay, group.max_delay, group.retry}; }

/// What of a group decides what its targets hold. A change of anything else (pace, the list of
/// targets) leaves queues and transfers alone.
Group content_settings(Group group) {
  group.targets.clear();
  group.delay = group.max_delay = {};
  group.retry = {};
  group.max_delete = {};
  group.standby = true;
  group.hooks = {};
  return group;
}

}  // namespace

Engine::Engine(Loop& loop, bool is_service)
    : loop_(loop),
      scheduler_(Limits{}.max_transfers),
      watchers_(loop, listener(), is_service),
      connections_(loop,
                   {[this](TargetId id) { scheduler_.queue(id).reachable(loop_.now()); },
                    [this](TargetId id) {
                      scheduler_.queue(id).disconnected(loop_.now());
                      standbys_.erase(id);
                      want_pump();
                    }},
                   [this](const std::string& control_path) { return session_for(control_path); }),
      hooks_(loop, [this] { want_pump(); }),
      verifications_(
          [this](TargetId id, Run::Done done) { return start_verification(id, std::move(done)); }) {
  // Above every number of an earlier daemon: who waits for one of those has it with our first sync.
  last_checkpoint_ = static_cast<uint64_t>(loop_.now().time_since_epoch().count());
  timer_ = loop_.timer([this] { pump(); });
  limit_timer_ = loop_.timer([this] { look_for_raised_limits(); });
}

void Engine::apply(const Config& config) {
  ready_ = false;
  scheduler_.set_max_transfers(config.limits.max_transfers);
  std::vector<std::string> gone;
  for (const auto& [name, run] : groups_)
    if (!config.find(name)) gone.push_back(name);
  for (const std::string& name : gone) remove_group(name);
  for (const Group& group : config.groups) {
    auto known = groups_.find(group.name);
    if (known == groups_.end())
      add_group(group);
    else
      update_group(*known->second, group);
  }
  config_ = config;
  config_loaded_usec_ = realtime_usec(loop_.now(), loop_.now());
  publish_at_once();
  want_pump();
}

void Engine::add_group(const Group& config, Before before) {
  auto run = std::make_unique<GroupRun>();
  run->config = config;
  run->identity = before.identity;
  run->resolved_source = std::move(before.resolved_source);
  run->open_files = std::move(before.open_files);
  GroupRun& added = *groups_.emplace(config.name, std::move(run)).first->second;
  for (const Target& target : config.targets) added.targets.push_back(add_target(added, target));
  take_over(added, before.targets);
  // Only then: another directory may be the source now, and what was taken over be void.
  enter_tree(added);
}

void Engine::remove_group(const std::string& name) {
  GroupRun& run = *groups_.at(name);
  for (TargetId id : std::vector<TargetId>(run.targets)) remove_target(run, id);
  leave_tree(run);
  groups_.erase(name);
}

/// Who is paused stays so, and what was seen to change is sent, even where all begins anew.
void Engine::update_group(GroupRun& run, const Group& config) {
  std::set<std::string> paused;
  for (TargetId id : run.targets)
    if (scheduler_.queue(id).paused()) paused.insert(targets_.at(id).config.name);
  if (content_settings(run.config) != content_settings(config))
    replace_group(run, config);
  else
    update_targets(run, config);
  for (TargetId id : groups_.at(config.name)->targets)
    scheduler_.queue(id).set_paused(paused.contains(targets_.at(id).config.name));
}

/// What the targets must hold is another thing now.
void Engine::replace_group(GroupRun& run, const Group& config) {
  Before before;
  if (run.config.source == config.source) {
    watchers_.drain();
    before = {run.identity, run.resolved_source, run.open_files, {}};
    for (TargetId id : run.targets) before.targets.push_back(as_replaced(id));
  }
  remove_group(config.name);
  add_group(config, std::move(before));
}

Engine::Replaced Engine::as_replaced(TargetId id) const {
  const TargetRun& target = targets_.at(id);
  return {target.config.name, target.config.destination.text, scheduler_.queue(id),
          target.distrusts_times};
}

void Engine::take_over(const GroupRun& run, const std::vector<Replaced>& before) {
  for (TargetId id : run.targets)
    for (const Replaced& old : before) {
      TargetRun& target = targets_.at(id);
      if (old.name != target.config.name || old.destination != target.config.destination.text)
        continue;
      scheduler_.queue(id).take_over(old.queue, loop_.now());
      target.distrusts_times = old.distrusts_times;
    }
}

void Engine::update_targets(GroupRun& run, const Group& config) {
  std::vector<TargetId> kept;
  std::vector<Replaced> replaced;
  for (TargetId id : std::vector<TargetId>(run.targets)) {
    bool same = std::ranges::find(config.targets, targets_.at(id).config) != config.targets.end();
    if (same) continue;
    replaced.push_back(as_replaced(id));
    remove_target(run, id);
  }
  for (const Target& target : config.targets) {
    auto known = std::ranges::find_if(
        run.targets, [&](TargetId id) { return targets_.at(id).config == target; });
    bool is_known = known != run.targets.end();
    kept.push_back(is_known ? *known : add_target(run, target));
    TargetQueue& queue = scheduler_.queue(kept.back());
    queue.set_pace(pace_of(config));
    bool limit_changed = queue.full().held() && run.config.max_delete != config.max_delete;
    if (!is_known || limit_changed) queue.want_full(loop_.now());
  }
  run.targets = std::move(kept);
  run.config = config;
  take_over(run, replaced);
}

TargetId Engine::add_target(GroupRun& run, const Target& config) {
  TargetId id = scheduler_.add(pace_of(run.config));
  TargetRun& target = targets_[id];
  target.group = &run;
  target.config = config;
  return id;
}

void Engine::remove_target(GroupRun& run, TargetId id) {
  for (JobKind kind : kTransfers) runs_.erase({id, kind});
  standbys_.erase(id);
  connections_.close(id);
  hooks_.forget(id);
  scheduler_.remove(id);
  targets_.erase(id);
  std::erase(run.targets, id);
}

void Engine::enter_tree(GroupRun& run) {
  run.tree = watchers_.add(rules_of(run.config));
  trees_[run.tree].insert(&run);
  source_state(run, watcher(run).state(run.tree));
}

void Engine::leave_tree(GroupRun& run) {
  auto tree = trees_.find(run.tree);
  tree->second.erase(&run);
  if (tree->second.empty()) trees_.erase(tree);
  watchers_.remove(run.tree);
}

Engine::Found Engine::for_each_selected(const std::string& group, const std::string& target,
                                        const std::function<void(TargetId)>& action) {
  bool group_found = group.empty(), target_found = target.empty();
  for (auto& [id, run] : targets_) {
    if (!group.empty() && run.group->config.name != group) continue;
    group_found = true;
    if (!target.empty() && run.config.name != target) continue;
    target_found = true;
    action(id);
  }
  want_pump();
  if (!group_found) return Found::no_such_group;
  return target_found ? Found::yes : Found::no_such_target;
}

Engine::Found Engine::sync(const std::string& group, const std::string& target, bool full) {
  Instant now = loop_.now();
  return for_each_selected(group, target, [&](TargetId id) {
    if (full) scheduler_.queue(id).want_full(now);
    scheduler_.queue(id).hurry(now);
    connections_.hurry(id);
  });
}

Engine::Found Engine::approve_deletes(const std::string& group, const std::string& target) {
  return for_each_selected(group, target,
                           [&](TargetId id) { scheduler_.queue(id).approve(loop_.now()); });
}

Engine::Found Engine::pause(const std::string& group, const std::string& target, bool paused) {
  const Found found = for_each_selected(group, target, [&](TargetId id) {
    scheduler_.queue(id).set_paused(paused);
    if (!paused) return;
    standbys_.erase(id);
    abandon_runs(id);
  });
  publish_at_once();
  return found;
}

/// Ends what may delete on old knowledge. It is done again later.
void Engine::abandon_runs(const GroupRun& run) {
  for (TargetId id : run.targets) abandon_runs(id);
}

void Engine::abandon_runs(TargetId id) {
  for (JobKind kind : kTransfers)
    if (auto running = runs_.find({id, kind}); running != runs_.end()) {
      running->second.is_abandoned = true;
      running->second.run->terminate();
    }
}

void Engine::stop(std::function<void()> stopped) {
  if (ready_) watchers_.remember_mounts();
  stopped_ = std::move(stopped);
  standbys_.clear();
  verifications_.stop();
  hooks_.stop();
  for (auto& [key, running] : runs_) running.run->terminate();
  want_pump();
}

}  // namespace mirrord
