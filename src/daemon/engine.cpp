#include "daemon/engine.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/escape.hpp"
#include "io/log.hpp"
#include "io/notify.hpp"

namespace mirrord {

namespace {

TreeRules rules_of(const Group& group) {
  return {group.source, group.symlinks, group.sync_on, group.user, group.follow_into, group.filter};
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

Engine::Engine(Loop& loop)
    : loop_(loop),
      scheduler_(Limits{}.max_transfers),
      watchers_(loop, listener()),
      connections_(loop, {[this](TargetId id) { scheduler_.queue(id).reachable(loop_.now()); },
                          [this](TargetId id) {
                            scheduler_.queue(id).disconnected();
                            standbys_.erase(id);
                            want_pump();
                          }}),
      hooks_(loop, [this] { want_pump(); }) {
  // Above every number of an earlier daemon: who waits for one of those has it with our first sync.
  last_checkpoint_ = static_cast<uint64_t>(loop_.now().time_since_epoch().count());
  timer_ = loop_.timer([this] { pump(); });
  limit_timer_ = loop_.timer([this] { look_for_raised_limits(); });
}

TreeWatcher::Listener Engine::listener() {
  return {[this](TreeId tree, const Change& change) { tree_changed(tree, change); },
          [this](TreeId tree, const std::string& path, bool created) {
            tree_written(tree, path, created);
          },
          [this](TreeId tree) {
            for (GroupRun* run : groups_of(tree)) abandon_runs(*run);
          },
          [this] { crawl_progressed(); },
          [this](TreeId tree) { tree_state_changed(tree); },
          [this](TreeId tree, const std::string& path, const std::string& reason) {
            tree_trouble(tree, path, reason);
          },
          [this](TreeId tree) { tree_overflowed(tree); }};
}

// ---- groups and reload

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
  published_at_.reset();  // whoever asked for it sees it
  publish(loop_.now());
  want_pump();
}

void Engine::add_group(const Group& config) {
  auto run = std::make_unique<GroupRun>();
  run->config = config;
  GroupRun& added = *groups_.emplace(config.name, std::move(run)).first->second;
  for (const Target& target : config.targets) added.targets.push_back(add_target(added, target));
  enter_tree(added);
}

void Engine::remove_group(const std::string& name) {
  GroupRun& run = *groups_.at(name);
  for (TargetId id : std::vector<TargetId>(run.targets)) remove_target(run, id);
  leave_tree(run);
  groups_.erase(name);
}

/// What the targets must hold is another thing now: all begins anew, but who is paused stays so.
void Engine::replace_group(const GroupRun& run, const Group& config) {
  std::set<std::string> paused;
  for (TargetId id : run.targets)
    if (scheduler_.queue(id).paused()) paused.insert(targets_.at(id).config.name);
  remove_group(config.name);
  add_group(config);
  for (TargetId id : groups_.at(config.name)->targets)
    scheduler_.queue(id).set_paused(paused.contains(targets_.at(id).config.name));
}

void Engine::update_group(GroupRun& run, const Group& config) {
  if (content_settings(run.config) != content_settings(config)) return replace_group(run, config);
  std::vector<TargetId> kept;
  for (TargetId id : std::vector<TargetId>(run.targets)) {
    bool same = std::ranges::find(config.targets, targets_.at(id).config) != config.targets.end();
    if (!same) remove_target(run, id);
  }
  for (const Target& target : config.targets) {
    auto known = std::ranges::find_if(
        run.targets, [&](TargetId id) { return targets_.at(id).config == target; });
    bool is_known = known != run.targets.end();
    kept.push_back(is_known ? *known : add_target(run, target));
    TargetQueue& queue = scheduler_.queue(kept.back());
    queue.set_pace(pace_of(config));
    bool limit_changed = queue.held() && run.config.max_delete != config.max_delete;
    if (!is_known || limit_changed) queue.want_full(loop_.now());
  }
  run.targets = std::move(kept);
  run.config = config;
}

TargetId Engine::add_target(GroupRun& run, const Target& config) {
  TargetId id = scheduler_.add(pace_of(run.config));
  TargetRun& target = targets_[id];
  target.group = &run;
  target.config = config;
  return id;
}

void Engine::remove_target(GroupRun& run, TargetId id) {
  for (JobKind kind : kTransfers) {
    runs_.erase({id, kind});
    abandoned_.erase({id, kind});
  }
  standbys_.erase(id);
  connections_.close(id);
  hooks_.forget(id);
  scheduler_.remove(id);
  targets_.erase(id);
  std::erase(run.targets, id);
}

void Engine::enter_tree(GroupRun& run) {
  TreeRules rules = rules_of(run.config);
  auto [tree, fresh] = trees_.try_emplace(rules);
  if (fresh) {
    tree->second.id = watchers_.add(rules);
    trees_by_id_[tree->second.id] = &tree->second;
  }
  tree->second.groups.insert(&run);
  run.tree = tree->second.id;
  source_state(run, watcher(run).state(run.tree));
}

void Engine::leave_tree(GroupRun& run) {
  auto tree = trees_.find(rules_of(run.config));
  tree->second.groups.erase(&run);
  if (!tree->second.groups.empty()) return;
  watchers_.remove(tree->second.id);
  trees_by_id_.erase(tree->second.id);
  trees_.erase(tree);
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
  return for_each_selected(group, target, [&](TargetId id) {
    scheduler_.queue(id).set_paused(paused);
    if (!paused) return;
    standbys_.erase(id);
    abandon_runs(id);
  });
}

// ---- what the watcher reports

const std::set<Engine::GroupRun*>& Engine::groups_of(TreeId tree) {
  static const std::set<GroupRun*> none;
  auto found = trees_by_id_.find(tree);
  return found == trees_by_id_.end() ? none : found->second->groups;
}

void Engine::tree_changed(TreeId tree, const Change& change) {
  Instant now = loop_.now();
  SharedPath path = change.path;
  for (GroupRun* run : groups_of(tree)) {
    if (change.kind != ChangeKind::attributes) run->open_files.settled(change.path);
    tell_targets(*run, path, change.kind, now);
  }
  want_pump();
}

void Engine::tell_targets(GroupRun& run, const SharedPath& path, ChangeKind kind, Instant now) {
  for (TargetId id : run.targets) scheduler_.queue(id).changed(path, kind, now);
}

void Engine::tree_written(TreeId tree, const std::string& path, bool created) {
  constexpr Duration kLookAfter = std::chrono::milliseconds(100);
  Instant now = loop_.now();
  for (GroupRun* run : groups_of(tree)) {
    if (created)
      run->open_files.created(path, now + run->config.max_delay);
    else
      run->open_files.modified(path, now + kLookAfter);
  }
  want_pump();
}

/// Who waits for us to be ready learns that it takes long because there is much.
void Engine::crawl_progressed() {
  Instant now = loop_.now();
  bool is_news = !extended_at_ || now >= *extended_at_ + kExtendInterval;
  if (!ready_ && is_news && !sources_are_watched()) {
    extended_at_ = now;
    notify::extend_timeout(kExtension);
  }
  want_pump();
}

void Engine::tree_state_changed(TreeId tree) {
  for (GroupRun* run : groups_of(tree)) source_state(*run, watchers_.of(tree).state(tree));
  want_pump();
}

void Engine::source_state(GroupRun& run, TreeState state) {
  bool watching = state == TreeState::watching;
  if (state == TreeState::missing) abandon_runs(run);
  std::optional<Identity> before = run.identity;
  if (watching) run.identity = watcher(run).identity(run.tree);
  bool replaced = watching && before && before != run.identity;
  if (replaced) abandon_runs(run);
  for (TargetId id : run.targets) {
    if (replaced) targets_.at(id).distrusts_times = true;
    // From now on changes may go unseen, until a comparison that starts when all is watched.
    scheduler_.queue(id).want_full(loop_.now());
  }
  if (watching && watcher(run).blindness(run.tree).error == 0) run.limited = false;
  bool was_missing = std::exchange(run.missing, state == TreeState::missing);
  if (run.missing == was_missing) return;
  log::Fields fields{{"MIRRORD_GROUP", run.config.name}, {"MESSAGE_ID", ""}};
  fields[1].value = run.missing ? log::message::kSourceMissing : log::message::kSourceBack;
  if (run.missing) {
    log::write(LogLevel::warning,
               fmt::format("group '{}': source '{}' is missing or cannot be read; nothing is "
                           "deleted on its targets, waiting for it to come back",
                           run.config.name, escape(run.config.source)),
               fields);
  } else {
    log::write(
        LogLevel::notice,
        fmt::format("group '{}': source '{}' is back", run.config.name, escape(run.config.source)),
        fields);
  }
}

void Engine::tree_trouble(TreeId tree, const std::string& path, const std::string& reason) {
  // A tree can have any number of unreadable directories; the count is in the group's Problem.
  constexpr size_t kLinesPerGroup = 50;
  bool at_limit = watchers_.of(tree).blindness(tree).error != 0;
  if (at_limit) loop_.arm(limit_timer_, loop_.now() + kLimitCheck);
  for (GroupRun* run : groups_of(tree)) {
    bool limit_told = at_limit && std::exchange(run->limited, true);
    if (limit_told || run->told.size() >= kLinesPerGroup) continue;
    if (!run->told.insert(path + '\n' + reason).second && !at_limit) continue;
    log::Fields fields{{"MIRRORD_GROUP", run->config.name}};
    if (at_limit) fields.push_back({"MESSAGE_ID", std::string(log::message::kWatchLimit)});
    bool last = run->told.size() == kLinesPerGroup;
    log::write(LogLevel::warning,
               fmt::format("group '{}': '{}': {}{}", run->config.name,
                           escape(watchers_.of(tree).file_path(tree, path)), reason,
                           last ? " (no more such lines follow)" : ""),
               fields);
  }
}

void Engine::tree_overflowed(TreeId tree) {
  constexpr Duration kQuiet = std::chrono::minutes(1);  // between two lines of a storm
  Instant now = loop_.now();
  for (GroupRun* run : groups_of(tree)) {
    ++run->overflows_untold;
    if (run->overflow_told_at && now < *run->overflow_told_at + kQuiet) continue;
    run->overflow_told_at = now;
    size_t count = std::exchange(run->overflows_untold, 0);
    std::string times = count == 1 ? "" : fmt::format(" {} times", count);
    log::write(LogLevel::warning,
               fmt::format("group '{}': the inotify queue overflowed{}, comparing the source again",
                           run->config.name, times),
               {{"MIRRORD_GROUP", run->config.name},
                {"MESSAGE_ID", std::string(log::message::kQueueOverflow)}});
  }
}

/// How often the whole group is compared: as configured, else where the kernel does not show all.
std::optional<Duration> Engine::rescan_interval(const GroupRun& run) const {
  if (run.config.rescan) return run.config.rescan->count() == 0 ? std::nullopt : run.config.rescan;
  Blindness blindness = watcher(run).blindness(run.tree);
  bool blind = blindness.unwatched > 0 || !blindness.remote.empty();
  return blind ? std::optional<Duration>(kBlindRescan) : std::nullopt;
}

void Engine::rescan_due(Instant now) {
  for (auto& [name, run] : groups_) {
    std::optional<Duration> interval = rescan_interval(*run);
    if (!interval)
      run->rescan_at.reset();
    else if (!run->rescan_at)
      run->rescan_at = now + *interval;
    if (!run->rescan_at || *run->rescan_at > now || is_compared(*run)) continue;
    run->rescan_at = now + *interval;
    // Crawled too: directories and links may have come unseen. A full sync follows the crawl.
    if (watcher(*run).state(run->tree) == TreeState::watching) watcher(*run).restart(run->tree);
  }
}

bool Engine::is_compared(const GroupRun& run) const {
  return std::ranges::any_of(run.targets,
                             [&](TargetId id) { return scheduler_.queue(id).full_running(); });
}

/// Ends what may delete on old knowledge. It is done again later.
void Engine::abandon_runs(const GroupRun& run) {
  for (TargetId id : run.targets) abandon_runs(id);
}

void Engine::abandon_runs(TargetId id) {
  standbys_.erase(id);
  for (JobKind kind : kTransfers)
    if (auto running = runs_.find({id, kind}); running != runs_.end()) {
      abandoned_.insert(running->first);
      running->second->terminate();
    }
}

void Engine::look_for_raised_limits() {
  bool limited = false;
  for (auto& [rules, tree] : trees_) {
    TreeWatcher& watcher = watchers_.of(tree.id);
    if (watcher.limit_was_raised(tree.id)) watcher.restart(tree.id);
    limited |= watcher.blindness(tree.id).error != 0;
  }
  if (limited) loop_.arm(limit_timer_, loop_.now() + kLimitCheck);
  want_pump();
}

bool Engine::sources_are_watched() const {
  return std::ranges::none_of(trees_, [&](const auto& entry) {
    TreeId tree = entry.second.id;
    return watchers_.of(tree).state(tree) == TreeState::crawling;
  });
}

void Engine::stop(std::function<void()> stopped) {
  stopped_ = std::move(stopped);
  standbys_.clear();
  verify_calls_.clear();
  hooks_.stop();
  for (auto& [key, run] : runs_) run->terminate();
  want_pump();
}

}  // namespace mirrord
