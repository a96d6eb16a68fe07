#include "daemon/bus_signals.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "daemon/bus_objects.hpp"

namespace mirrord {

namespace {

template <class T>
void note(std::vector<const char*>& names, const T& before, const T& after, const char* name) {
  if (before != after) names.push_back(name);
}

void emit(sd_bus* bus, const std::string& path, const char* interface,
          std::vector<const char*> names) {
  if (names.empty()) return;
  names.push_back(nullptr);
  (void)sd_bus_emit_properties_changed_strv(bus, path.c_str(), interface,
                                            const_cast<char**>(names.data()));
}

std::vector<const char*> differences(const GroupStatus& before, const GroupStatus& after) {
  std::vector<const char*> names;
  note(names, before.resolved_source, after.resolved_source, "ResolvedSource");
  note(names, before.state, after.state, "State");
  note(names, before.problem, after.problem, "Problem");
  note(names, before.targets, after.targets, "Targets");
  return names;
}

std::vector<const char*> differences(const TargetStatus& before, const TargetStatus& after) {
  std::vector<const char*> names;
  note(names, before.state, after.state, "State");
  note(names, before.full_pending, after.full_pending, "FullPending");
  note(names, before.last_error, after.last_error, "LastError");
  note(names, before.last_exit_status, after.last_exit_status, "LastExitStatus");
  note(names, before.consecutive_failures, after.consecutive_failures, "ConsecutiveFailures");
  note(names, before.next_attempt_usec, after.next_attempt_usec, "NextAttemptUSec");
  note(names, before.progress, after.progress, "Progress");
  return names;
}

/// The same object, not only the same path: what is constant of it on the bus has not changed.
const GroupStatus* same(const Status& status, const GroupStatus& group) {
  const GroupStatus* found = status.group(group.name);
  return found && found->source == group.source ? found : nullptr;
}

const TargetStatus* same(const Status& status, const TargetStatus& target) {
  const TargetStatus* found = status.target(target.group, target.name);
  return found && found->destination == target.destination ? found : nullptr;
}

std::string path_of(const GroupStatus& group) { return group_path(group.name); }
std::string path_of(const TargetStatus& target) { return target_path(target.group, target.name); }

template <class Object>
void emit_objects(sd_bus* bus, const Status& before, const Status& after,
                  const std::vector<Object> Status::*objects, const char* interface) {
  for (const Object& old : before.*objects)
    if (!same(after, old))
      sd_bus_emit_interfaces_removed(bus, path_of(old).c_str(), interface, nullptr);
  for (const Object& now : after.*objects) {
    const std::string path = path_of(now);
    if (const Object* old = same(before, now))
      emit(bus, path, interface, differences(*old, now));
    else
      sd_bus_emit_interfaces_added(bus, path.c_str(), interface, nullptr);
  }
}

}  // namespace

void emit_changes(sd_bus* bus, const Status& before, const Status& after) {
  std::vector<const char*> names;
  note(names, before.config_loaded_usec, after.config_loaded_usec, "ConfigLoadedUSec");
  note(names, before.max_transfers, after.max_transfers, "MaxTransfers");
  bool same_groups =
      std::ranges::equal(before.groups, after.groups, {}, &GroupStatus::name, &GroupStatus::name);
  if (!same_groups) names.push_back("Groups");
  emit(bus, kRootPath, kManagerInterface, names);
  emit_objects(bus, before, after, &Status::groups, kGroupInterface);
  emit_objects(bus, before, after, &Status::targets, kTargetInterface);
}

}  // namespace mirrord
