#include "daemon/hooks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "core/escape.hpp"
#include "core/lines.hpp"
#include "daemon/child_command.hpp"
#include "io/log.hpp"

namespace mirrord {

namespace {

// Of more than that a hook is told that anything may have changed.
constexpr size_t kMostPaths = 10'000;

/// One more than is told says that they are too many.
template <class Paths>
void add(std::set<std::string>& to, const Paths& paths) {
  for (const std::string& path : paths)
    if (to.size() <= kMostPaths) to.insert(path);
}

std::string text_of(const std::set<std::string>& paths) {
  if (paths.empty() || paths.contains("") || paths.size() > kMostPaths) return ".\n";
  std::string text;
  for (const std::string& path : paths) text += escape(path) + '\n';
  return text;
}

std::string how_it_ended(const ChildExit& exit) {
  if (exit.signal != 0) return fmt::format("killed by signal {}", exit.signal);
  return fmt::format("exit status {}", exit.status);
}

}  // namespace

void Hooks::synced(TargetId id, const Group& group, const Target& target,
                   const std::vector<std::string>& paths) {
  if (group.hooks.after_sync.empty()) return;
  auto waiting = std::ranges::find(waiting_, id, &Waiting::id);
  if (waiting == waiting_.end()) {
    waiting_.push_back({id, &group, &target, {}});
    waiting = std::prev(waiting_.end());
  }
  add(waiting->paths, paths);
  add(waiting->paths, std::exchange(records_[id].untold, {}));
  start_next();
}

void Hooks::arrived(TargetId id, const std::vector<std::string>& paths) {
  add(records_[id].untold, paths);
}

void Hooks::start_next() {
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    if (running_.contains(next->group)) {
      ++next;
      continue;
    }
    Waiting taken = std::move(*next);
    next = waiting_.erase(next);
    start(taken);
  }
}

void Hooks::start(const Waiting& next) {
  const Group& group = *next.group;
  if (group.hooks.after_sync.empty()) return;  // a reload has removed it meanwhile
  try {
    Running& run = running_[&group];
    run.id = next.id;
    run.target = next.target;
    run.program = group.hooks.after_sync.front();
    run.paths = PrivateFile(group.runs_as, text_of(next.paths));
    Command command = child_command(group, group.hooks.after_sync);
    command.environment.push_back("MIRRORD_GROUP=" + group.name);
    command.environment.push_back("MIRRORD_TARGET=" + next.target->name);
    command.environment.push_back("MIRRORD_PATHS_FILE=" + run.paths.path());
    run.process = std::make_unique<Process>(
        loop_, std::move(command),
        [this, key = next.group](const ProcessResult& result) { ended(key, result); });
    run.deadline = loop_.now() + group.hooks.timeout;
    run.timer = loop_.timer([&run] {
      run.timed_out = true;
      run.process->terminate();
    });
    loop_.arm(run.timer, run.deadline);
  } catch (const std::system_error& e) {
    failed(take(&group), group, e.what(), "");
  }
}

Hooks::Running Hooks::take(const Group* group) {
  return std::move(running_.extract(group).mapped());
}

void Hooks::ended(const Group* group, const ProcessResult& result) {
  const Running run = take(group);
  if (run.timed_out)
    failed(run, *group, "it was ended because it took longer than 'timeout'", result.error);
  else if (result.exit.status != 0 || result.exit.signal != 0)
    failed(run, *group, how_it_ended(result.exit), result.error);
  else
    records_[run.id].log.recovered();
  start_next();
  changed_();
}

void Hooks::failed(const Running& run, const Group& group, const std::string& why,
                   const std::string& error) {
  Record& record = records_[run.id];
  ++record.failures;
  std::string own = last_line(error);
  std::string text = why + (own.empty() ? "" : ": " + escape(own));
  std::optional<size_t> passed_over = record.log.tell(text, loop_.now());
  log::Fields fields{{"MIRRORD_GROUP", group.name}, {"MIRRORD_TARGET", run.target->name}};
  if (!error.empty()) fields.push_back({"MIRRORD_STDERR", error});
  log::write(passed_over ? LogLevel::warning : LogLevel::debug,
             fmt::format("{}/{}: hook '{}' failed: {}{}", group.name, run.target->name,
                         escape(run.program), text, more_failures(passed_over)),
             fields);
}

void Hooks::forget(TargetId id) {
  std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.id == id; });
  std::erase_if(running_, [&](const auto& running) { return running.second.id == id; });
  records_.erase(id);
  // Not at once: the target whose turn it is may be the next to go.
  if (!next_source_)
    next_source_ = loop_.after_events([this] {
      next_source_.reset();
      start_next();
    });
}

void Hooks::stop() {
  waiting_.clear();
  for (auto& [group, run] : running_) run.process->terminate();
}

std::vector<std::string> Hooks::undone(Instant now) const {
  std::vector<std::string> undone;
  for (const auto& [group, run] : running_)
    if (std::string what = run.process->undone(now, run.deadline); !what.empty())
      undone.push_back(fmt::format("hook {} of {}/{} {}", run.process->pid(), group->name,
                                   run.target->name, what));
  return undone;
}

bool Hooks::pending(TargetId id) const {
  return std::ranges::any_of(waiting_, [&](const Waiting& waiting) { return waiting.id == id; }) ||
         std::ranges::any_of(running_, [&](const auto& run) { return run.second.id == id; });
}

uint64_t Hooks::failures(TargetId id) const {
  auto record = records_.find(id);
  return record == records_.end() ? 0 : record->second.failures;
}

}  // namespace mirrord
