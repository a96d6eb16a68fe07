#include "ctl/status.hpp"

#include <systemd/sd-bus.h>

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>

#include "io/handle.hpp"

namespace mirrord {

namespace {

using Json = nlohmann::ordered_json;

template <class Value>
void read(const Json& json, const char* key, Value& value) {
  value = json.at(key).get<Value>();
}

/// The state of that name. One that we do not know must not be shown as another.
template <class State, size_t Count>
State read_state(const Json& json, const std::pair<State, const char*> (&known)[Count]) {
  auto name = json.at("State").get<std::string>();
  for (const auto& [state, its_name] : known)
    if (name == its_name) return state;
  throw Failure(Exit::failed, "the daemon tells of a state '" + name +
                                  "' that this mirrorctl does not know; is it of another version?");
}

GroupStatus group_status(const Json& json) {
  GroupStatus group;
  read(json, "Name", group.name);
  read(json, "Source", group.source);
  read(json, "ResolvedSource", group.resolved_source);
  group.state = read_state(json, kGroupStates);
  read(json, "Problem", group.problem);
  read(json, "WatchedDirectories", group.watched_directories);
  read(json, "FollowedLinks", group.followed_links);
  return group;
}

TargetStatus target_status(const Json& json) {
  TargetStatus target;
  read(json, "Group", target.group);
  read(json, "Name", target.name);
  read(json, "Destination", target.destination);
  target.state = read_state(json, kTargetStates);
  read(json, "Pending", target.pending);
  read(json, "FullPending", target.full_pending);
  read(json, "OldestPendingUSec", target.oldest_pending_usec);
  read(json, "ReachedCheckpoint", target.reached_checkpoint);
  read(json, "LastSyncUSec", target.last_sync_usec);
  read(json, "LastError", target.last_error);
  read(json, "LastExitStatus", target.last_exit_status);
  read(json, "ConsecutiveFailures", target.consecutive_failures);
  read(json, "NextAttemptUSec", target.next_attempt_usec);
  read(json, "Transfers", target.transfers);
  read(json, "FilesSent", target.files_sent);
  read(json, "BytesSent", target.bytes_sent);
  read(json, "HookFailures", target.hook_failures);
  read(json, "Progress", target.progress);
  return target;
}

Service service_of(const Json& json) {
  Service service;
  read(json, "Version", service.version);
  read(json, "ConfigLoadedUSec", service.status.config_loaded_usec);
  read(json, "RunningTransfers", service.status.running_transfers);
  read(json, "MaxTransfers", service.status.max_transfers);
  for (const Json& one : json.at("Groups")) {
    GroupStatus& group = service.status.groups.emplace_back(group_status(one));
    for (const Json& target : one.at("Targets")) {
      service.status.targets.push_back(target_status(target));
      group.targets.push_back(service.status.targets.back().name);
    }
  }
  return service;
}

}  // namespace

std::string read_json(BusClient& bus) {
  auto reply = bus.call(bus.method(kManagerInterface, "Describe"));
  const char* text = nullptr;
  check(sd_bus_message_read(reply.get(), "s", &text), "read the daemon's answer");
  return text;
}

Service read_service(BusClient& bus) {
  try {
    return service_of(Json::parse(read_json(bus)));
  } catch (const nlohmann::json::exception& e) {
    throw Failure(
        Exit::failed,
        std::string("the daemon's answer cannot be read, is it of another version? ") + e.what());
  }
}

Status read_status(BusClient& bus) { return read_service(bus).status; }

Status selected(const Status& status, const Selection& selection) {
  if (selection.group.empty()) return status;
  const GroupStatus* group = status.group(selection.group);
  if (!group) throw Failure(Exit::failed, "No such group '" + selection.group + "'");
  if (!selection.target.empty() && !status.target(selection.group, selection.target))
    throw Failure(Exit::failed,
                  "No such target '" + selection.target + "' in group '" + selection.group + "'");
  Status part;
  part.groups.push_back(*group);
  for (const TargetStatus& target : status.targets)
    if (target.group == selection.group &&
        (selection.target.empty() || target.name == selection.target))
      part.targets.push_back(target);
  return part;
}

}  // namespace mirrord
