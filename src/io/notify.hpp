// What we tell the service manager, in the protocol of sd_notify(3). Without NOTIFY_SOCKET nothing
// happens, and nobody who does not read it can hold us up.
#pragma once

#include <optional>
#include <string>

#include "core/model.hpp"

namespace mirrord::notify {

void ready();
/// STATUS=, sent only when it differs from the last one.
void status(const std::string& line);
void stopping();
/// The start takes long and goes on: not a time-out before `more` has passed.
void extend_timeout(Duration more);
/// How long the watchdog waits for alive(), sd_watchdog_enabled(3); nothing = there is none.
std::optional<Duration> watchdog_period();
void alive();
/// ERRNO= and STATUS= of a start that fails.
void failed(int error, const std::string& reason);

/// RELOADING=1 from birth to death, then READY=1 on every way out.
class ReloadScope {
 public:
  ReloadScope() { tell(); }
  ~ReloadScope();
  ReloadScope(const ReloadScope&) = delete;
  ReloadScope& operator=(const ReloadScope&) = delete;
  /// Once more: another reload has begun, and it is over when both are.
  void tell();
};

}  // namespace mirrord::notify
