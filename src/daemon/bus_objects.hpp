// Which D-Bus objects there are, and their paths. What members they have stands in bus_manager,
// bus_group and bus_target.
#pragma once

#include <systemd/sd-bus.h>

#include <string>

#include "core/bus_names.hpp"

namespace mirrord {

class BusService;

/// Adds every object to the bus; negative errno when that fails.
int add_bus_objects(sd_bus* bus, BusService* service);

std::string group_path(const std::string& group);
std::string target_path(const std::string& group, const std::string& target);

}  // namespace mirrord
