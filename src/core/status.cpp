#include "core/status.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace mirrord {

const GroupStatus* Status::group(const std::string& name) const {
  auto found = std::ranges::find(groups, name, &GroupStatus::name);
  return found == groups.end() ? nullptr : &*found;
}

const TargetStatus* Status::target(const std::string& group, const std::string& name) const {
  auto found = std::ranges::find_if(
      targets, [&](const TargetStatus& t) { return t.group == group && t.name == name; });
  return found == targets.end() ? nullptr : &*found;
}

namespace {

template <class State, size_t Count>
const char* name_of(State state, const std::pair<State, const char*> (&names)[Count]) {
  return std::ranges::find(names, state, &std::pair<State, const char*>::first)->second;
}

}  // namespace

const char* to_string(GroupState state) { return name_of(state, kGroupStates); }

const char* to_string(TargetState state) { return name_of(state, kTargetStates); }

uint64_t synced_up_to(const TargetStatus& target, uint64_t now_usec) {
  if (target.reached_checkpoint == 0) return 0;
  if (target.oldest_pending_usec != 0) return target.oldest_pending_usec;
  // So old the status may be: what has changed since then is not known of.
  constexpr uint64_t kAge = 200'000;
  return now_usec - std::min(now_usec, kAge);
}

std::optional<bool> all_in_sync(const Status& status) {
  bool good = true;
  for (const TargetStatus& target : status.targets) {
    const GroupStatus* group = status.group(target.group);
    bool failed = target.state == TargetState::retrying || target.state == TargetState::held ||
                  (group && group->state == GroupState::source_missing);
    bool done = target.state == TargetState::idle && !target.full_pending && !target.hook_pending;
    if (!failed && !done) return std::nullopt;
    good &= done;
  }
  return good;
}

std::string summary(const Status& status) {
  auto in_sync = std::ranges::count(status.targets, TargetState::idle, &TargetStatus::state);
  std::string line = fmt::format("{} of {} targets in sync", in_sync, status.targets.size());
  std::string wrong;
  auto tell = [&](const std::string& text) { wrong += (wrong.empty() ? ": " : "; ") + text; };
  for (const GroupStatus& group : status.groups)
    if (group.state == GroupState::crawling)
      tell(
          fmt::format("{} crawling, {} directories so far", group.name, group.watched_directories));
    else if (group.state != GroupState::watching)
      tell(fmt::format("{} {}", group.name, to_string(group.state)));
  for (const TargetStatus& target : status.targets)
    if (target.state == TargetState::retrying || target.state == TargetState::paused ||
        target.state == TargetState::held)
      tell(fmt::format("{}/{} {}{}{}", target.group, target.name, to_string(target.state),
                       target.last_error.empty() ? "" : ", ", target.last_error));
  constexpr size_t kLongest = 400;
  if (wrong.size() > kLongest) {
    size_t end = kLongest;
    // Not within a character: STATUS= must be UTF-8.
    while (end > 0 && (static_cast<unsigned char>(wrong[end]) & 0xc0) == 0x80) --end;
    wrong = wrong.substr(0, end) + "...";
  }
  return line + wrong;
}

}  // namespace mirrord
