// What the members of the bus objects are made of; bus_manager, bus_group and bus_target have them.
#pragma once

#include <systemd/sd-bus.h>

#include <chrono>
#include <exception>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/status.hpp"
#include "daemon/bus_service.hpp"
#include "io/log.hpp"

namespace mirrord {

extern const sd_bus_vtable kManagerVtable[];  ///< data: the BusService
extern const sd_bus_vtable kGroupVtable[];    ///< data: a GroupStatus
extern const sd_bus_vtable kTargetVtable[];   ///< data: a TargetStatus

constexpr uint64_t kConst = SD_BUS_VTABLE_PROPERTY_CONST;
constexpr uint64_t kEmits = SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE;
constexpr uint64_t kQuiet = 0;  // fast counters: a signal for each change would be a storm
// sd-bus lets everybody call; what is not for everybody goes through privileged().
constexpr uint64_t kForAll = SD_BUS_VTABLE_UNPRIVILEGED;

inline BusService& service(void* data) { return *static_cast<BusService*>(data); }

/// A fallback object's own data is its status; the service is the data of the vtable's slot.
inline BusService& service_of_slot(sd_bus_message* call) {
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

inline uint64_t now_usec() {
  auto wall = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::duration_cast<Duration>(wall).count());
}

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

int append_paths(sd_bus_message* reply, const std::vector<std::string>& paths);

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

// Actions on the targets that a group and a target select; an empty string selects all.
int sync_targets(BusService& bus, sd_bus_message* call, const std::string& group,
                 const std::string& target, sd_bus_error* error);
int approve_deletes(BusService& bus, sd_bus_message* call, const std::string& group,
                    const std::string& target, sd_bus_error* error);
int verify_targets(BusService& bus, sd_bus_message* call, const std::string& group,
                   const std::string& target, sd_bus_error* error);

template <bool Paused>
int pause_targets(BusService& bus, sd_bus_message* call, const std::string& group,
                  const std::string& target, sd_bus_error* error) {
  return bus.act(
      call, group, target, [&](Engine& engine) { return engine.pause(group, target, Paused); },
      error);
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

}  // namespace mirrord
