#include "daemon/bus_objects.hpp"

#include <systemd/sd-bus.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>

#include "core/escape.hpp"
#include "core/status_json.hpp"
#include "daemon/bus_service.hpp"
#include "io/handle.hpp"
#include "io/log.hpp"

namespace mirrord {

namespace {

struct Free {
  void operator()(char* text) const { std::free(text); }
};
using CString = std::unique_ptr<char, Free>;

BusService& service(void* data) { return *static_cast<BusService*>(data); }

/// A fallback object's own data is its status; the service is the data of the vtable's slot.
BusService& service_of_slot(sd_bus_message* call) {
  return service(sd_bus_slot_get_userdata(sd_bus_get_current_slot(sd_bus_message_get_bus(call))));
}

/// The barrier between sd-bus's C frames and exceptions: a bus error instead.
template <class Call>
int guarded(sd_bus_error* error, Call call) noexcept {
  try {
    return call();
  } catch (const std::exception& e) {
    log::write(LogLevel::err, std::string("bus call failed: ") + e.what());
    return sd_bus_error_set(error, SD_BUS_ERROR_FAILED, e.what());
  }
}

uint64_t now_usec() {
  auto wall = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::duration_cast<Duration>(wall).count());
}

// ---- properties

template <class Object, auto Member>
int get(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* data,
        sd_bus_error*) {
  const auto& value = static_cast<const Object*>(data)->*Member;
  using Value = std::remove_cvref_t<decltype(value)>;
  if constexpr (std::is_same_v<Value, std::string>)
    return sd_bus_message_append(reply, "s", value.c_str());
  else if constexpr (std::is_enum_v<Value>)
    return sd_bus_message_append(reply, "s", to_string(value));
  else if constexpr (std::is_same_v<Value, bool>)
    return sd_bus_message_append(reply, "b", static_cast<int>(value));
  else if constexpr (std::is_same_v<Value, double>)
    return sd_bus_message_append(reply, "d", value);
  else if constexpr (std::is_same_v<Value, int32_t>)
    return sd_bus_message_append(reply, "i", value);
  else if constexpr (std::is_same_v<Value, uint32_t>)
    return sd_bus_message_append(reply, "u", value);
  else
    return sd_bus_message_append(reply, "t", value);
}

template <auto Member>
int get_status(sd_bus* bus, const char* path, const char* interface, const char* property,
               sd_bus_message* reply, void* data, sd_bus_error* error) {
  void* status = const_cast<Status*>(&service(data).status());
  return get<Status, Member>(bus, path, interface, property, reply, status, error);
}

int get_version(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void*,
                sd_bus_error*) {
  return sd_bus_message_append(reply, "s", MIRRORD_VERSION);
}

int get_config_directory(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply,
                         void* data, sd_bus_error*) {
  return sd_bus_message_append(reply, "s", service(data).config_directory().c_str());
}

int append_paths(sd_bus_message* reply, const std::vector<std::string>& paths) {
  int r = sd_bus_message_open_container(reply, 'a', "o");
  for (size_t i = 0; r >= 0 && i < paths.size(); ++i)
    r = sd_bus_message_append(reply, "o", paths[i].c_str());
  return r < 0 ? r : sd_bus_message_close_container(reply);
}

int get_groups(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* data,
               sd_bus_error*) {
  std::vector<std::string> paths;
  for (const GroupStatus& group : service(data).status().groups)
    paths.push_back(group_path(group.name));
  return append_paths(reply, paths);
}

int get_group_targets(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply,
                      void* data, sd_bus_error*) {
  const auto& group = *static_cast<const GroupStatus*>(data);
  std::vector<std::string> paths;
  for (const std::string& target : group.targets) paths.push_back(target_path(group.name, target));
  return append_paths(reply, paths);
}

/// Every change before it is on the target: now, when nothing is pending.
int get_synced_up_to(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply,
                     void* data, sd_bus_error*) {
  return sd_bus_message_append(reply, "t",
                               synced_up_to(*static_cast<const TargetStatus*>(data), now_usec()));
}

// ---- methods

/// Does the work for those who may: now, or when polkit has said so.
template <class Act>
int privileged(BusService& bus, sd_bus_message* call, Act act, sd_bus_error* error) {
  return guarded(error, [&] {
    BusService::Work work = [act](sd_bus_message* allowed, sd_bus_error* failed) {
      return guarded(failed, [&] { return act(allowed, failed); });
    };
    return bus.authorize(call, std::move(work), error);
  });
}

int method_reload(sd_bus_message* call, void* data, sd_bus_error* error) {
  BusService& bus = service(data);
  return privileged(
      bus, call,
      [&bus](sd_bus_message* allowed, sd_bus_error* failed) { return bus.reload(allowed, failed); },
      error);
}

/// "ss": a group and a target, an empty string selects all.
struct Selected {
  const char* group = nullptr;
  const char* target = nullptr;
  int read(sd_bus_message* call) { return sd_bus_message_read(call, "ss", &group, &target); }
};

int sync_targets(BusService& bus, sd_bus_message* call, const std::string& group,
                 const std::string& target, sd_bus_error* error) {
  int full = 0;
  int r = sd_bus_message_read(call, "b", &full);
  if (r < 0) return r;
  return bus.act(
      call, group, target, [&](Engine& engine) { return engine.sync(group, target, full != 0); },
      error);
}

template <bool Paused>
int pause_targets(BusService& bus, sd_bus_message* call, const std::string& group,
                  const std::string& target, sd_bus_error* error) {
  return bus.act(
      call, group, target, [&](Engine& engine) { return engine.pause(group, target, Paused); },
      error);
}

int approve_deletes(BusService& bus, sd_bus_message* call, const std::string& group,
                    const std::string& target, sd_bus_error* error) {
  return bus.act(
      call, group, target, [&](Engine& engine) { return engine.approve_deletes(group, target); },
      error);
}

int verify_targets(BusService& bus, sd_bus_message* call, const std::string& group,
                   const std::string& target, sd_bus_error* error) {
  return bus.verify(call, group, target, error);
}

template <auto Act>
int act_on(BusService& bus, sd_bus_message* call, const std::string& group,
           const std::string& target, sd_bus_error* error) {
  return privileged(
      bus, call,
      [&bus, group, target](sd_bus_message* allowed, sd_bus_error* failed) {
        return Act(bus, allowed, group, target, failed);
      },
      error);
}

/// A method of the manager, whose first two arguments select targets.
template <auto Act>
int on_selected(sd_bus_message* call, void* data, sd_bus_error* error) {
  Selected selected;
  int r = selected.read(call);
  if (r < 0) return r;
  return act_on<Act>(service(data), call, selected.group, selected.target, error);
}

/// The same of one target's object.
template <auto Act>
int on_target(sd_bus_message* call, void* data, sd_bus_error* error) {
  const auto& target = *static_cast<const TargetStatus*>(data);
  return act_on<Act>(service_of_slot(call), call, target.group, target.name, error);
}

int method_explain(sd_bus_message* call, void* data, sd_bus_error* error) {
  const char* group = nullptr;
  const void* bytes = nullptr;
  size_t length = 0;
  int r = sd_bus_message_read(call, "s", &group);
  if (r >= 0) r = sd_bus_message_read_array(call, 'y', &bytes, &length);
  if (r < 0) return r;
  BusService& bus = service(data);
  std::string name = group;
  std::string path(static_cast<const char*>(bytes), length);
  return privileged(
      bus, call,
      [&bus, name, path](sd_bus_message* allowed, sd_bus_error* failed) {
        return bus.explain(allowed, name, path, failed);
      },
      error);
}

int method_checkpoint(sd_bus_message* call, void* data, sd_bus_error* error) {
  return guarded(error, [&] { return service(data).checkpoint(call); });
}

int method_reached(sd_bus_message* call, void* data, sd_bus_error*) {
  uint64_t checkpoint = 0;
  int r = sd_bus_message_read(call, "t", &checkpoint);
  if (r < 0) return r;
  const auto& target = *static_cast<const TargetStatus*>(data);
  return sd_bus_reply_method_return(call, "b",
                                    static_cast<int>(target.reached_checkpoint >= checkpoint));
}

int method_describe(sd_bus_message* call, void* data, sd_bus_error* error) {
  return guarded(error, [&] {
    const BusService& bus = service(data);
    std::string json =
        to_json(bus.status(), {MIRRORD_VERSION, escape(bus.config_directory()), now_usec()});
    return sd_bus_reply_method_return(call, "s", json.c_str());
  });
}

int method_describe_group(sd_bus_message* call, void* data, sd_bus_error* error) {
  return guarded(error, [&] {
    const auto& group = *static_cast<const GroupStatus*>(data);
    std::string json = to_json(service_of_slot(call).status(), group, now_usec());
    return sd_bus_reply_method_return(call, "s", json.c_str());
  });
}

int method_describe_target(sd_bus_message* call, void* data, sd_bus_error* error) {
  return guarded(error, [&] {
    std::string json = to_json(*static_cast<const TargetStatus*>(data), now_usec());
    return sd_bus_reply_method_return(call, "s", json.c_str());
  });
}

int method_get_target(sd_bus_message* call, void* data, sd_bus_error* error) {
  const char* group = nullptr;
  const char* target = nullptr;
  int r = sd_bus_message_read(call, "ss", &group, &target);
  if (r < 0) return r;
  const Status& status = service(data).status();
  if (!status.group(group))
    return sd_bus_error_setf(error, "org.mirrord1.Error.NoSuchGroup", "No such group '%s'", group);
  if (!status.target(group, target))
    return sd_bus_error_setf(error, "org.mirrord1.Error.NoSuchTarget",
                             "No such target '%s' in group '%s'", target, group);
  return sd_bus_reply_method_return(call, "o", target_path(group, target).c_str());
}

int append_target(sd_bus_message* reply, const TargetStatus& target) {
  return sd_bus_message_append(reply, "(sssstto)", target.group.c_str(), target.name.c_str(),
                               target.destination.c_str(), to_string(target.state), target.pending,
                               synced_up_to(target, now_usec()),
                               target_path(target.group, target.name).c_str());
}

int method_list_targets(sd_bus_message* call, void* data, sd_bus_error*) {
  sd_bus_message* message = nullptr;
  int r = sd_bus_message_new_method_return(call, &message);
  if (r < 0) return r;
  std::unique_ptr<sd_bus_message, decltype(&sd_bus_message_unref)> reply(message,
                                                                         sd_bus_message_unref);
  r = sd_bus_message_open_container(message, 'a', "(sssstto)");
  for (const TargetStatus& target : service(data).status().targets)
    if (r >= 0) r = append_target(message, target);
  if (r >= 0) r = sd_bus_message_close_container(message);
  return r < 0 ? r : sd_bus_send(nullptr, message, nullptr);
}

// ---- vtables: the API contract

constexpr uint64_t kConst = SD_BUS_VTABLE_PROPERTY_CONST;
constexpr uint64_t kEmits = SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE;
constexpr uint64_t kQuiet = 0;  // fast counters: a signal for each change would be a storm
// sd-bus lets everybody call; what is not for everybody goes through privileged().
constexpr uint64_t kForAll = SD_BUS_VTABLE_UNPRIVILEGED;

// sd-bus's macros make C initialisers out of casts and designators of their own order.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

const sd_bus_vtable kManagerVtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_reload, kForAll),
    SD_BUS_METHOD_WITH_ARGS("Sync", SD_BUS_ARGS("s", group, "s", target, "b", full),
                            SD_BUS_NO_RESULT, on_selected<sync_targets>, kForAll),
    SD_BUS_METHOD_WITH_ARGS("ApproveDeletes", SD_BUS_ARGS("s", group, "s", target),
                            SD_BUS_NO_RESULT, on_selected<approve_deletes>, kForAll),
    SD_BUS_METHOD_WITH_ARGS("Pause", SD_BUS_ARGS("s", group, "s", target), SD_BUS_NO_RESULT,
                            on_selected<pause_targets<true>>, kForAll),
    SD_BUS_METHOD_WITH_ARGS("Resume", SD_BUS_ARGS("s", group, "s", target), SD_BUS_NO_RESULT,
                            on_selected<pause_targets<false>>, kForAll),
    SD_BUS_METHOD_WITH_ARGS("Verify", SD_BUS_ARGS("s", group, "s", target),
                            SD_BUS_RESULT("s", json), on_selected<verify_targets>, kForAll),
    SD_BUS_METHOD_WITH_ARGS("Explain", SD_BUS_ARGS("s", group, "ay", path),
                            SD_BUS_RESULT("s", json), method_explain, kForAll),
    SD_BUS_METHOD_WITH_ARGS("Checkpoint", SD_BUS_NO_ARGS, SD_BUS_RESULT("t", checkpoint),
                            method_checkpoint, kForAll),
    SD_BUS_METHOD_WITH_ARGS("GetTarget", SD_BUS_ARGS("s", group, "s", target),
                            SD_BUS_RESULT("o", path), method_get_target, kForAll),
    SD_BUS_METHOD_WITH_ARGS("ListTargets", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(sssstto)", targets),
                            method_list_targets, kForAll),
    SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), method_describe,
                            kForAll),
    SD_BUS_PROPERTY("Version", "s", get_version, 0, kConst),
    SD_BUS_PROPERTY("ConfigDirectory", "s", get_config_directory, 0, kConst),
    SD_BUS_PROPERTY("ConfigLoadedUSec", "t", get_status<&Status::config_loaded_usec>, 0, kEmits),
    SD_BUS_PROPERTY("Groups", "ao", get_groups, 0, kEmits),
    SD_BUS_PROPERTY("RunningTransfers", "u", get_status<&Status::running_transfers>, 0, kQuiet),
    SD_BUS_PROPERTY("MaxTransfers", "u", get_status<&Status::max_transfers>, 0, kEmits),
    SD_BUS_VTABLE_END,
};

template <auto Member>
constexpr auto kGroup = get<GroupStatus, Member>;

const sd_bus_vtable kGroupVtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json),
                            method_describe_group, kForAll),
    SD_BUS_PROPERTY("Name", "s", kGroup<&GroupStatus::name>, 0, kConst),
    SD_BUS_PROPERTY("Source", "s", kGroup<&GroupStatus::source>, 0, kConst),
    SD_BUS_PROPERTY("ResolvedSource", "s", kGroup<&GroupStatus::resolved_source>, 0, kEmits),
    SD_BUS_PROPERTY("State", "s", kGroup<&GroupStatus::state>, 0, kEmits),
    SD_BUS_PROPERTY("Problem", "s", kGroup<&GroupStatus::problem>, 0, kEmits),
    SD_BUS_PROPERTY("WatchedDirectories", "t", kGroup<&GroupStatus::watched_directories>, 0,
                    kQuiet),
    SD_BUS_PROPERTY("FollowedLinks", "t", kGroup<&GroupStatus::followed_links>, 0, kQuiet),
    SD_BUS_PROPERTY("Targets", "ao", get_group_targets, 0, kEmits),
    SD_BUS_VTABLE_END,
};

template <auto Member>
constexpr auto kTarget = get<TargetStatus, Member>;

const sd_bus_vtable kTargetVtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Sync", SD_BUS_ARGS("b", full), SD_BUS_NO_RESULT,
                            on_target<sync_targets>, kForAll),
    SD_BUS_METHOD_WITH_ARGS("Pause", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT,
                            on_target<pause_targets<true>>, kForAll),
    SD_BUS_METHOD_WITH_ARGS("Resume", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT,
                            on_target<pause_targets<false>>, kForAll),
    SD_BUS_METHOD_WITH_ARGS("Reached", SD_BUS_ARGS("t", checkpoint), SD_BUS_RESULT("b", reached),
                            method_reached, kForAll),
    SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json),
                            method_describe_target, kForAll),
    SD_BUS_PROPERTY("Name", "s", kTarget<&TargetStatus::name>, 0, kConst),
    SD_BUS_PROPERTY("Group", "s", kTarget<&TargetStatus::group>, 0, kConst),
    SD_BUS_PROPERTY("Destination", "s", kTarget<&TargetStatus::destination>, 0, kConst),
    SD_BUS_PROPERTY("State", "s", kTarget<&TargetStatus::state>, 0, kEmits),
    SD_BUS_PROPERTY("Pending", "t", kTarget<&TargetStatus::pending>, 0, kQuiet),
    SD_BUS_PROPERTY("FullPending", "b", kTarget<&TargetStatus::full_pending>, 0, kEmits),
    SD_BUS_PROPERTY("OldestPendingUSec", "t", kTarget<&TargetStatus::oldest_pending_usec>, 0,
                    kQuiet),
    SD_BUS_PROPERTY("SyncedUpToUSec", "t", get_synced_up_to, 0, kQuiet),
    SD_BUS_PROPERTY("LastSyncUSec", "t", kTarget<&TargetStatus::last_sync_usec>, 0, kQuiet),
    SD_BUS_PROPERTY("LastError", "s", kTarget<&TargetStatus::last_error>, 0, kEmits),
    SD_BUS_PROPERTY("LastExitStatus", "i", kTarget<&TargetStatus::last_exit_status>, 0, kEmits),
    SD_BUS_PROPERTY("ConsecutiveFailures", "u", kTarget<&TargetStatus::consecutive_failures>, 0,
                    kEmits),
    SD_BUS_PROPERTY("NextAttemptUSec", "t", kTarget<&TargetStatus::next_attempt_usec>, 0, kEmits),
    SD_BUS_PROPERTY("Transfers", "t", kTarget<&TargetStatus::transfers>, 0, kQuiet),
    SD_BUS_PROPERTY("FilesSent", "t", kTarget<&TargetStatus::files_sent>, 0, kQuiet),
    SD_BUS_PROPERTY("BytesSent", "t", kTarget<&TargetStatus::bytes_sent>, 0, kQuiet),
    SD_BUS_PROPERTY("ReachedCheckpoint", "t", kTarget<&TargetStatus::reached_checkpoint>, 0,
                    kQuiet),
    SD_BUS_PROPERTY("Progress", "d", kTarget<&TargetStatus::progress>, 0, kEmits),
    SD_BUS_VTABLE_END,
};

#pragma GCC diagnostic pop

// ---- which objects there are

int find_group(sd_bus*, const char* path, const char*, void* data, void** found, sd_bus_error*) {
  char* name = nullptr;
  int r = sd_bus_path_decode(path, "/org/mirrord1/group", &name);
  CString owned(name);
  if (r <= 0) return r;
  *found = const_cast<GroupStatus*>(service(data).status().group(name));
  return *found != nullptr;
}

int find_target(sd_bus*, const char* path, const char*, void* data, void** found, sd_bus_error*) {
  char* group = nullptr;
  char* target = nullptr;
  int r = sd_bus_path_decode_many(path, "/org/mirrord1/target/%/%", &group, &target);
  CString owned_group(group), owned_target(target);
  if (r <= 0) return r;
  *found = const_cast<TargetStatus*>(service(data).status().target(group, target));
  return *found != nullptr;
}

int enumerate(sd_bus*, const char*, void* data, char*** nodes, sd_bus_error* error) {
  return guarded(error, [&] {
    std::vector<std::string> paths;
    for (const GroupStatus& group : service(data).status().groups)
      paths.push_back(group_path(group.name));
    for (const TargetStatus& target : service(data).status().targets)
      paths.push_back(target_path(target.group, target.name));
    // sd-bus frees the strings and the array with free(3).
    char** list = static_cast<char**>(std::calloc(paths.size() + 1, sizeof(char*)));
    if (!list) return -ENOMEM;
    for (size_t i = 0; i < paths.size(); ++i) list[i] = ::strdup(paths[i].c_str());
    *nodes = list;
    return 0;
  });
}

}  // namespace

std::string group_path(const std::string& group) {
  char* path = nullptr;
  check(sd_bus_path_encode("/org/mirrord1/group", group.c_str(), &path), "encode a bus path");
  return CString(path).get();
}

std::string target_path(const std::string& group, const std::string& target) {
  char* path = nullptr;
  check(sd_bus_path_encode_many(&path, "/org/mirrord1/target/%/%", group.c_str(), target.c_str()),
        "encode a bus path");
  return CString(path).get();
}

int add_bus_objects(sd_bus* bus, BusService* service) {
  int r = sd_bus_add_object_manager(bus, nullptr, kRootPath);
  if (r >= 0)
    r = sd_bus_add_object_vtable(bus, nullptr, kRootPath, kManagerInterface, kManagerVtable,
                                 service);
  if (r >= 0)
    r = sd_bus_add_fallback_vtable(bus, nullptr, "/org/mirrord1/group", kGroupInterface,
                                   kGroupVtable, find_group, service);
  if (r >= 0)
    r = sd_bus_add_fallback_vtable(bus, nullptr, "/org/mirrord1/target", kTargetInterface,
                                   kTargetVtable, find_target, service);
  if (r >= 0) r = sd_bus_add_node_enumerator(bus, nullptr, kRootPath, enumerate, service);
  return r;
}

}  // namespace mirrord
