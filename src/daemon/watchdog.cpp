#include "daemon/watchdog.hpp"

#include <algorithm>
#include <utility>

#include "io/log.hpp"
#include "io/notify.hpp"

namespace mirrord {

namespace {

// Looked at four times in a period, a duty that is undone for half of it is withheld in time, and
// one look that comes late starves nobody.
constexpr int kLooksPerPeriod = 4;
constexpr int kPatienceInLooks = 2;

}  // namespace

Watchdog::Watchdog(Loop& loop, Undone undone)
    : loop_(loop),
      undone_(std::move(undone)),
      interval_(notify::watchdog_period().value_or(Duration{}) / kLooksPerPeriod),
      vigil_(interval_ * kPatienceInLooks) {
  if (interval_.count() == 0) return;
  timer_ = loop_.timer([this] { look(); });
  loop_.arm(timer_, loop_.now());
}

void Watchdog::look() {
  Instant now = loop_.now();
  loop_.arm(timer_, now + interval_);
  std::vector<std::string> overdue = vigil_.overdue(undone_(now), now);
  if (overdue.empty()) notify::alive();
  for (const std::string& duty : overdue) {
    if (std::ranges::find(told_, duty) != told_.end()) continue;
    log::write(LogLevel::crit, "watchdog: not fed, because " + duty,
               {{"MESSAGE_ID", std::string(log::message::kWatchdogWithheld)}});
    notify::status("Watchdog not fed, because " + duty);
  }
  told_ = std::move(overdue);
}

}  // namespace mirrord
