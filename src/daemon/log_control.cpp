#include "daemon/log_control.hpp"

#include <string_view>

#include "io/log.hpp"

namespace mirrord {

namespace {

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

int add_log_control(sd_bus* bus) {
  return sd_bus_add_object_vtable(bus, nullptr, kLogControlPath, "org.freedesktop.LogControl1",
                                  kVtable, nullptr);
}

}  // namespace mirrord
