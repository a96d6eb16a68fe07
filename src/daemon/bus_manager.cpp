// The members of org.mirrord1.Manager.
#include <memory>

#include "core/escape.hpp"
#include "core/status_json.hpp"
#include "daemon/bus_members.hpp"
#include "daemon/bus_objects.hpp"

namespace mirrord {

namespace {

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
  return sd_bus_message_append(reply, "s", escape(service(data).config_directory()).c_str());
}

int get_groups(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* data,
               sd_bus_error*) {
  std::vector<std::string> paths;
  for (const GroupStatus& group : service(data).status().groups)
    paths.push_back(group_path(group.name));
  return append_paths(reply, paths);
}

int method_reload(sd_bus_message* call, void* data, sd_bus_error* error) {
  BusService& bus = service(data);
  return privileged(
      bus, call, [&bus](sd_bus_message* allowed, sd_bus_error*) { return bus.reload(allowed); },
      error);
}

/// "ss": a group and a target, an empty string selects all.
struct Selected {
  const char* group = nullptr;
  const char* target = nullptr;
  int read(sd_bus_message* call) { return sd_bus_message_read(call, "ss", &group, &target); }
};

/// A method of the manager, whose first two arguments select targets.
template <auto Act>
int on_selected(sd_bus_message* call, void* data, sd_bus_error* error) {
  Selected selected;
  int r = selected.read(call);
  if (r < 0) return r;
  return act_on<Act>(service(data), call, selected.group, selected.target, error);
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

int method_describe(sd_bus_message* call, void* data, sd_bus_error* error) {
  return guarded(error, [&] {
    const BusService& bus = service(data);
    std::string json =
        to_json(bus.status(), {MIRRORD_VERSION, escape(bus.config_directory()), now_usec()});
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
    return sd_bus_error_setf(error, kNoSuchGroup, "No such group '%s'", group);
  if (!status.target(group, target))
    return sd_bus_error_setf(error, kNoSuchTarget, "No such target '%s' in group '%s'", target,
                             group);
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

}  // namespace

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

#pragma GCC diagnostic pop

}  // namespace mirrord
