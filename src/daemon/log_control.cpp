#include "daemon/log_control.hpp"

#include <string_view>

#include "daemon/bus_members.hpp"
#include "io/log.hpp"

namespace mirrord {

namespace {

constexpr std::string_view kInterface = "org.freedesktop.LogControl1";

int get_level(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void*,
              sd_bus_error*) {
  return sd_bus_message_append(reply, "s", log::to_string(log::level()));
}

int set_level(sd_bus*, const char*, const char*, const char*, sd_bus_message* value, void*,
              sd_bus_error* error) {
  const char* name = nullptr;
  int r = sd_bus_message_read(value, "s", &name);
  if (r < 0) return r;
  auto level = log::level_named(name);
  if (!level)
    return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "'%s' is no log level", name);
  log::set_level(*level);
  return 0;
}

int get_target(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void*,
               sd_bus_error*) {
  return sd_bus_message_append(reply, "s",
                               log::target() == log::Target::journal ? "journal" : "console");
}

int set_target(sd_bus*, const char*, const char*, const char*, sd_bus_message* value, void*,
               sd_bus_error* error) {
  const char* name = nullptr;
  int r = sd_bus_message_read(value, "s", &name);
  if (r < 0) return r;
  if (name == std::string_view("journal"))
    log::set_target(log::Target::journal);
  else if (name == std::string_view("console"))
    log::set_target(log::Target::standard_error);
  else if (name == std::string_view("auto"))
    log::set_target(log::Target::automatic);
  else
    return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                             "'%s' is none of the log targets journal, console and auto", name);
  return 0;
}

int get_identifier(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void*,
                   sd_bus_error*) {
  return sd_bus_message_append(reply, "s", "mirrord");
}

sd_bus_property_set_t setter_of(std::string_view property) {
  if (property == "LogLevel") return set_level;
  if (property == "LogTarget") return set_target;
  return nullptr;
}

/// sd-bus calls the setters for root only, and they cannot wait for polkit. So what others want to
/// write is looked at before it comes there; 0 = sd-bus goes on with it.
int on_call(sd_bus_message* call, void* data, sd_bus_error* error) {
  if (!sd_bus_message_is_method_call(call, "org.freedesktop.DBus.Properties", "Set")) return 0;
  if (sd_bus_query_sender_privilege(call, -1) > 0) return 0;
  const char* interface = nullptr;
  const char* property = nullptr;
  int r = sd_bus_message_read(call, "ss", &interface, &property);
  if (r < 0) return r;
  sd_bus_property_set_t set = setter_of(property);
  if (interface != kInterface || !set) return 0;
  auto write = [set](sd_bus_message* allowed, sd_bus_error* failed) {
    if (sd_bus_message_enter_container(allowed, 'v', "s") <= 0)
      return sd_bus_error_set(failed, SD_BUS_ERROR_INVALID_ARGS, "the value must be a string");
    int done = set(nullptr, nullptr, nullptr, nullptr, allowed, nullptr, failed);
    return done < 0 ? done : sd_bus_reply_method_return(allowed, nullptr);
  };
  return privileged(service(data), call, write, error);
}

// sd-bus's macros, see bus_manager.cpp. Without SD_BUS_VTABLE_UNPRIVILEGED only root may write.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

const sd_bus_vtable kVtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_WRITABLE_PROPERTY("LogLevel", "s", get_level, set_level, 0, 0),
    SD_BUS_WRITABLE_PROPERTY("LogTarget", "s", get_target, set_target, 0, 0),
    SD_BUS_PROPERTY("SyslogIdentifier", "s", get_identifier, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_VTABLE_END,
};

#pragma GCC diagnostic pop

}  // namespace

int add_log_control(sd_bus* bus, BusService* service) {
  int r = sd_bus_add_object(bus, nullptr, kLogControlPath, on_call, service);
  if (r < 0) return r;
  return sd_bus_add_object_vtable(bus, nullptr, kLogControlPath, kInterface.data(), kVtable,
                                  nullptr);
}

}  // namespace mirrord
