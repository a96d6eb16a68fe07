// Engine: what the watcher reports of the sources, and when they are crawled again.
//
// A change goes to the queue of every target; what may have gone unseen asks for a full sync.
#include <algorithm>

#include "daemon/engine.hpp"
#include "io/notify.hpp"

namespace mirrord {

namespace {

/// What is being crawled may hold mount points, or links that lead behind some.
constexpr Duration kCrawl = std::chrono::seconds(5);

}  // namespace

TreeWatcher::Listener Engine::listener() {
  return {[this](TreeId tree, const Change& change) { tree_changed(tree, change); },
          [this](TreeId tree, const std::string& path, bool created) {
            tree_written(tree, path, created);
          },
          [this](TreeId tree) {
            for (GroupRun* run : groups_of(tree)) abandon_runs(*run);
          },
          [this](TreeId tree) { tree_doubted(tree); }, [this] { crawl_progressed(); },
          [this](TreeId tree) { tree_state_changed(tree); },
          [this](TreeId tree, const Trouble& trouble) { tree_trouble(tree, trouble); },
          [this](TreeId tree) { tree_overflowed(tree); },
          // Each watcher says so of each mount.
          [this] { remember_mounts_within(Duration{}); }};
}

const std::set<Engine::GroupRun*>& Engine::groups_of(TreeId tree) {
  static const std::set<GroupRun*> none;
  auto found = trees_.find(tree);
  return found == trees_.end() ? none : found->second;
}

void Engine::tree_changed(TreeId tree, const Change& change) {
  Instant now = loop_.now();
  SharedPath path = change.path;
  for (GroupRun* run : groups_of(tree)) {
    const bool of_attributes = change.kind == ChangeKind::attributes;
    // They go along with the contents, of which half may be there.
    if (of_attributes && run->open_files.holds_new(change.path)) continue;
    if (!of_attributes) run->open_files.settled(change.path);
    tell_targets(*run, path, change.kind, now);
  }
  want_pump();
}

void Engine::tree_doubted(TreeId tree) {
  for (GroupRun* run : groups_of(tree)) {
    abandon_runs(*run);
    for (TargetId id : run->targets) scheduler_.queue(id).doubt(loop_.now());
  }
  want_pump();
}

void Engine::tell_targets(GroupRun& run, const SharedPath& path, ChangeKind kind, Instant now,
                          std::optional<Instant> since) {
  for (TargetId id : run.targets) scheduler_.queue(id).changed(path, kind, now, since);
}

void Engine::tree_written(TreeId tree, const std::string& path, bool created) {
  constexpr Duration kLookAfter = std::chrono::milliseconds(100);
  Instant now = loop_.now();
  for (GroupRun* run : groups_of(tree)) {
    const Instant look = now + std::min<Duration>(kLookAfter, run->config.max_delay);
    if (created)
      run->open_files.created(path, now, look);
    else
      run->open_files.modified(path, now, look);
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
  remember_mounts_within(kCrawl);
  want_pump();
}

void Engine::tree_state_changed(TreeId tree) {
  for (GroupRun* run : groups_of(tree)) source_state(*run, watchers_.of(tree).state(tree));
  remember_mounts_within(kCrawl);
  want_pump();
}

/// Not while trees are being added.
void Engine::remember_mounts_within(Duration delay) {
  if (ready_) watchers_.remember_mounts_within(delay);
}

void Engine::source_state(GroupRun& run, TreeState state) {
  bool watching = state == TreeState::watching;
  if (state == TreeState::missing) abandon_runs(run);
  if (watching) note_source(run);
  // From now on changes may go unseen, until a comparison that starts when all is watched.
  for (TargetId id : run.targets) scheduler_.queue(id).want_full(loop_.now());
  if (watching && watcher(run).blindness(run.tree).error == 0) run.log.all_watched();
  const bool was_missing = std::exchange(run.missing, state == TreeState::missing);
  if (run.missing && !was_missing) SourceLog::missing(run.config, why_missing(run));
  if (!run.missing && was_missing) SourceLog::back(run.config);
}

/// Whether the source is still the directory that the targets were compared with.
void Engine::note_source(GroupRun& run) {
  auto identity = std::exchange(run.identity, watcher(run).identity(run.tree));
  auto path = std::exchange(run.resolved_source, watcher(run).resolved_source(run.tree));
  if (!identity || identity == run.identity) return;
  abandon_runs(run);
  run.open_files = {};
  for (TargetId id : run.targets) {
    targets_.at(id).distrusts_times = true;
    // Free of links, the path is another one only if a link on the way to it was re-pointed.
    scheduler_.queue(id).source_replaced(path != run.resolved_source, loop_.now());
  }
}

void Engine::tree_trouble(TreeId tree, const Trouble& trouble) {
  if (trouble.at_limit) loop_.arm(limit_timer_, loop_.now() + kLimitCheck);
  for (GroupRun* run : groups_of(tree))
    run->log.trouble(run->config, watcher(*run).file_path(tree, trouble.path), trouble);
}

void Engine::tree_overflowed(TreeId tree) {
  for (GroupRun* run : groups_of(tree)) run->log.overflowed(run->config, loop_.now());
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
    if (watcher(*run).state(run->tree) != TreeState::watching) continue;
    // Crawled too: directories and links may have come unseen. A full sync follows the crawl.
    if (all_can_be_seen(*run))
      watcher(*run).retry_unreadable(run->tree);
    else
      watcher(*run).restart(run->tree);
  }
}

/// But for what is in directories that cannot be read, of which nothing is copied either.
bool Engine::all_can_be_seen(const GroupRun& run) const {
  const Blindness blindness = watcher(run).blindness(run.tree);
  return !run.config.rescan && blindness.remote.empty() &&
         blindness.unwatched == blindness.unreadable;
}

/// One that takes long keeps no other from being compared again.
bool Engine::is_compared(const GroupRun& run) const {
  return std::ranges::all_of(run.targets,
                             [&](TargetId id) { return scheduler_.queue(id).full().running(); });
}

void Engine::look_for_raised_limits() {
  bool limited = false;
  for (const auto& [tree, groups] : trees_) {
    TreeWatcher& watcher = watchers_.of(tree);
    if (watcher.limit_was_raised(tree)) watcher.restart(tree);
    limited |= watcher.blindness(tree).error != 0;
  }
  if (limited) loop_.arm(limit_timer_, loop_.now() + kLimitCheck);
  want_pump();
}

bool Engine::sources_are_watched() const {
  return std::ranges::none_of(trees_, [&](const auto& entry) {
    return watchers_.of(entry.first).state(entry.first) == TreeState::crawling;
  });
}

}  // namespace mirrord
