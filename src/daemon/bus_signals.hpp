// PropertiesChanged, InterfacesAdded and InterfacesRemoved: what is different between two states.
#pragma once

#include <systemd/sd-bus.h>

#include "core/status.hpp"

namespace mirrord {

/// A bus that does not take a signal has its Disconnected on the way.
void emit_changes(sd_bus* bus, const Status& before, const Status& after);

}  // namespace mirrord
