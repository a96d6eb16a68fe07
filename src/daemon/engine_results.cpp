// Engine: what the end of a run means for its target.
#include <fmt/format.h>

#include <set>
#include <string_view>
#include <utility>

#include "core/deletion_guard.hpp"
#include "core/related_paths.hpp"
#include "core/ssh.hpp"
#include "daemon/engine.hpp"

namespace mirrord {

namespace {

/// Of what a run that was not clean was to bring, what it has brought; "" is perhaps anything.
std::vector<std::string> arrived(std::vector<std::string> paths, bool is_full,
                                 const Outcome& outcome) {
  if (outcome.verdict == Verdict::failed) return {};
  const bool may_be_none = is_full || !outcome.unset.empty();
  if (may_be_none && outcome.files == 0) return {};
  if (is_full) return paths;
  if (!outcome.unsent) return {};
  const std::vector<std::string> touched = paths_touched_by(paths, *outcome.unsent);
  if (touched.empty() && !outcome.unsent->empty()) return {};
  const std::set<std::string_view> missing(touched.begin(), touched.end());
  std::erase_if(paths, [&](const std::string& path) { return missing.contains(path); });
  return paths;
}

}  // namespace

void Engine::end_run(RunKey key, Run::Result result) {
  Running ended;  // empty of what could not be started
  if (auto running = runs_.find(key); running != runs_.end()) {
    ended = std::move(running->second);
    runs_.erase(running);
  }
  want_pump();
  if (stopped_) return;  // we ended it ourselves; the next start compares everything
  if (ended.is_abandoned || repeats(key, result))
    return scheduler_.give_back(key.first, key.second, loop_.now());
  TargetRun& target = targets_.at(key.first);
  bool was_failing = !target.last_error.empty();
  Outcome& outcome = result.outcome;
  if (key.second == JobKind::full) hold(target, outcome);
  tell_hooks(key, outcome);
  scheduler_.finished(key.first, key.second, outcome, loop_.now());
  // Not before: a comparison beside the run misses what that renames into place.
  if (auto since = ended.names_doubted_since)
    scheduler_.queue(key.first).doubt_names(*since, loop_.now());
  // A count that is made again says nothing yet.
  bool counts_again =
      outcome.verdict == Verdict::held && !scheduler_.queue(key.first).full().held();
  if (counts_again) outcome.verdict = Verdict::withheld;
  ++target.transfers;
  target.files += outcome.files;
  target.bytes += outcome.bytes;
  if (key.second == JobKind::full && outcome.verdict == Verdict::done)
    target.distrusts_times = false;
  note_outcome(target, outcome);
  // One clean batch does not mend what is stuck or held.
  const TargetQueue& queue = scheduler_.queue(key.first);
  if (outcome.verdict == Verdict::done && !queue.troubled() && !queue.full().held())
    target.last_error.clear();
  const Group& group = target.group->config;
  if (was_failing && target.last_error.empty()) target.log.recovered(group, target.config);
  target.log.ended(group, target.config, key.second, result, queue.next_attempt(), loop_.now());
}

/// Before the queue forgets what the run was to bring.
void Engine::tell_hooks(RunKey key, const Outcome& outcome) {
  const TargetRun& target = targets_.at(key.first);
  const Group& group = target.group->config;
  if (group.hooks.after_sync.empty()) return;
  std::vector<std::string> paths = scheduler_.queue(key.first).paths_of(key.second);
  if (outcome.verdict == Verdict::done)
    hooks_.synced(key.first, group, target.config, paths);
  else
    hooks_.arrived(key.first, arrived(std::move(paths), key.second == JobKind::full, outcome));
}

/// Whether a failed run says nothing against its target: it is done again, in another way.
bool Engine::repeats(RunKey key, const Run::Result& result) {
  if (const auto feature = result.outcome.refuses) {
    standbys_.erase(key.first);
    if (connections_.refuses(key.first, *feature)) return true;
  }
  if (!result.was_standby || result.outcome.verdict != Verdict::failed) return false;
  TargetQueue& queue = scheduler_.queue(key.first);
  queue.standby_died();
  queue.live_was_cut_off(loop_.now());
  return true;
}

/// Turns a count of what is too much on the target into what is done about it.
void Engine::hold(TargetRun& target, Outcome& outcome) {
  if (outcome.entries != 0) target.entries = outcome.entries;
  if (outcome.verdict != Verdict::withheld) return;
  const Group& group = target.group->config;
  outcome.verdict = judge_deletions(group.max_delete, target.source_was_empty, outcome);
  if (outcome.verdict == Verdict::withheld) return outcome.text.clear();
  outcome.text = fmt::format(
      "held: the comparison would delete {} of {} entries; nothing was deleted; to approve: "
      "mirrorctl sync --full --approve-deletes {}",
      outcome.extraneous, outcome.entries, quote(group.name + '/' + target.config.name));
}

void Engine::note_outcome(TargetRun& target, const Outcome& outcome) {
  target.last_exit_status = outcome.exit_status;
  switch (outcome.verdict) {
    case Verdict::done:
    case Verdict::again:
      target.last_sync_usec = realtime_usec(loop_.now(), loop_.now());
      return;
    case Verdict::withheld:
      return;
    case Verdict::partial:
    case Verdict::held:
    case Verdict::failed:
      target.last_error = outcome.text;
      if (size_t paths = outcome.failed_paths(); outcome.verdict == Verdict::partial && paths != 0)
        target.last_error += ": " + count_of_paths(paths);
  }
}

}  // namespace mirrord
