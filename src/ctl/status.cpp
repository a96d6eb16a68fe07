#include "ctl/status.hpp"

#include <systemd/sd-bus.h>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "io/handle.hpp"

namespace mirrord {

namespace {

/// A property's value, in the member that its type calls for.
struct Value {
  std::string text;
  uint64_t number = 0;
  double real = 0;
  std::vector<std::string> paths;
};
using Properties = std::map<std::string, Value>;

/// Groups and targets by object path, before their order is known.
struct Objects {
  std::vector<Properties> groups;
  std::map<std::string, Properties> targets;
};

int checked(int result) { return check(result, "read the daemon's answer"); }

template <class T>
T read(sd_bus_message* message, char type) {
  T value{};
  checked(sd_bus_message_read_basic(message, type, &value));
  return value;
}

/// Calls `read_element` for each element of an array.
template <class Read>
void read_array(sd_bus_message* message, const char* element, Read read_element) {
  checked(sd_bus_message_enter_container(message, 'a', element));
  while (checked(sd_bus_message_at_end(message, 0)) == 0) read_element();
  checked(sd_bus_message_exit_container(message));
}

/// Calls `read_entry` in each entry of a dictionary, with its key.
template <class Read>
void read_dictionary(sd_bus_message* message, char key_type, const std::string& value_type,
                     Read read_entry) {
  std::string entry = key_type + value_type;
  read_array(message, ("{" + entry + "}").c_str(), [&] {
    checked(sd_bus_message_enter_container(message, 'e', entry.c_str()));
    const char* key = read<const char*>(message, key_type);
    read_entry(std::string(key));
    checked(sd_bus_message_exit_container(message));
  });
}

Value read_value(sd_bus_message* message, const std::string& type) {
  Value value;
  if (type == "s")
    value.text = read<const char*>(message, 's');
  else if (type == "t")
    value.number = read<uint64_t>(message, 't');
  else if (type == "u")
    value.number = read<uint32_t>(message, 'u');
  else if (type == "b")
    value.number = read<int>(message, 'b') != 0;
  else if (type == "d")
    value.real = read<double>(message, 'd');
  else if (type == "ao")
    read_array(message, "o", [&] { value.paths.emplace_back(read<const char*>(message, 'o')); });
  else
    checked(sd_bus_message_skip(message, type.c_str()));
  return value;
}

Properties read_properties(sd_bus_message* message) {
  Properties properties;
  read_dictionary(message, 's', "v", [&](const std::string& name) {
    const char* type = nullptr;
    checked(sd_bus_message_peek_type(message, nullptr, &type));
    std::string contents = type;
    checked(sd_bus_message_enter_container(message, 'v', contents.c_str()));
    properties[name] = read_value(message, contents);
    checked(sd_bus_message_exit_container(message));
  });
  return properties;
}

Objects read_objects(BusClient& bus) {
  auto reply = bus.call(bus.method("org.freedesktop.DBus.ObjectManager", "GetManagedObjects"));
  sd_bus_message* message = reply.get();
  Objects objects;
  read_dictionary(message, 'o', "a{sa{sv}}", [&](const std::string& path) {
    read_dictionary(message, 's', "a{sv}", [&](const std::string& interface) {
      Properties properties = read_properties(message);
      if (interface == kGroupInterface) objects.groups.push_back(std::move(properties));
      if (interface == kTargetInterface) objects.targets[path] = std::move(properties);
    });
  });
  return objects;
}

/// The state of that name. One that we do not know must not be shown as another.
template <class State>
State state_of(const std::string& name, std::initializer_list<State> known) {
  for (State state : known)
    if (name == to_string(state)) return state;
  throw Failure(Exit::failed, "the daemon tells of a state '" + name +
                                  "' that this mirrorctl does not know; is it of another version?");
}

GroupStatus group_status(Properties& of) {
  GroupStatus group;
  group.name = of["Name"].text;
  group.source = of["Source"].text;
  group.resolved_source = of["ResolvedSource"].text;
  group.state = state_of(of["State"].text, {GroupState::crawling, GroupState::watching,
                                            GroupState::degraded, GroupState::source_missing});
  group.problem = of["Problem"].text;
  group.watched_directories = of["WatchedDirectories"].number;
  group.followed_links = of["FollowedLinks"].number;
  return group;
}

TargetStatus target_status(Properties& of) {
  TargetStatus target;
  target.group = of["Group"].text;
  target.name = of["Name"].text;
  target.destination = of["Destination"].text;
  target.state = state_of(of["State"].text,
                          {TargetState::idle, TargetState::settling, TargetState::waiting,
                           TargetState::syncing, TargetState::retrying, TargetState::paused,
                           TargetState::held});
  target.pending = of["Pending"].number;
  target.full_pending = of["FullPending"].number != 0;
  target.oldest_pending_usec = of["OldestPendingUSec"].number;
  target.last_sync_usec = of["LastSyncUSec"].number;
  target.last_error = of["LastError"].text;
  target.transfers = of["Transfers"].number;
  target.reached_checkpoint = of["ReachedCheckpoint"].number;
  target.progress = of["Progress"].real;
  target.consecutive_failures = static_cast<uint32_t>(of["ConsecutiveFailures"].number);
  target.next_attempt_usec = of["NextAttemptUSec"].number;
  return target;
}

}  // namespace

Status read_status(BusClient& bus) {
  Objects objects = read_objects(bus);
  std::ranges::sort(objects.groups, {}, [](Properties& group) { return group["Name"].text; });
  Status status;
  for (Properties& properties : objects.groups) {
    GroupStatus& group = status.groups.emplace_back(group_status(properties));
    for (const std::string& path : properties["Targets"].paths) {
      auto found = objects.targets.find(path);
      if (found == objects.targets.end()) continue;
      status.targets.push_back(target_status(found->second));
      group.targets.push_back(status.targets.back().name);
    }
  }
  return status;
}

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
