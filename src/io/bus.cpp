#include "io/bus.hpp"

#include <systemd/sd-bus.h>

namespace mirrord {

namespace {

int open_address(const std::string& address, sd_bus** bus) {
  int r = sd_bus_new(bus);
  if (r >= 0) r = sd_bus_set_address(*bus, address.c_str());
  if (r >= 0) r = sd_bus_set_bus_client(*bus, true);
  return r < 0 ? r : sd_bus_start(*bus);
}

}  // namespace

void BusCloser::operator()(sd_bus* bus) const { sd_bus_flush_close_unref(bus); }

int open_bus(const std::string& address, Bus& bus) {
  sd_bus* opened = nullptr;
  int r = address == "system" ? sd_bus_open_system(&opened)
          : address == "user" ? sd_bus_open_user(&opened)
                              : open_address(address, &opened);
  bus.reset(opened);
  return r;
}

int open_remote_bus(const std::string& host, Bus& bus) {
  sd_bus* opened = nullptr;
  int r = sd_bus_open_system_remote(&opened, host.c_str());
  bus.reset(opened);
  return r;
}

}  // namespace mirrord
