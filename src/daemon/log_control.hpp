// org.freedesktop.LogControl1: level and target of the log, changed while the service runs.
//
// `systemctl service-log-level` and `service-log-target` speak it. What is set here holds until the
// next reload (the level) or restart (both). Root may write, and whom polkit allows to manage the
// mirror. Owns nothing; see org.freedesktop.LogControl1(5).
#pragma once

#include <systemd/sd-bus.h>

namespace mirrord {

class BusService;

inline constexpr const char* kLogControlPath = "/org/freedesktop/LogControl1";

/// Negative errno when it cannot be added.
int add_log_control(sd_bus* bus, BusService* service);

}  // namespace mirrord
