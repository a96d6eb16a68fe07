// Feeds the service manager's watchdog (WatchdogSec=), while the loop turns and no duty is overdue.
//
// A loop that stands still feeds nobody. One that turns and yet forgets what it must do is as dead
// to its users: it is fed no more either, the journal says why, and the service manager ends it.
// Nothing of this depends on a target: one that hangs is a matter of its time-outs.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/vigil.hpp"
#include "io/event.hpp"

namespace mirrord {

class Watchdog {
 public:
  /// What the daemon has to do and has not done by `now`; see core/vigil.
  using Undone = std::function<std::vector<std::string>(Instant now)>;

  /// Begins at once, where WATCHDOG_USEC says that somebody watches.
  Watchdog(Loop& loop, Undone undone);

 private:
  void look();

  Loop& loop_;
  Undone undone_;
  Duration interval_;
  Vigil vigil_;
  std::vector<std::string> told_;
  Source timer_;
};

}  // namespace mirrord
