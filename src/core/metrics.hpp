// The state of the service as metrics: OpenMetrics text, which Prometheus' own format can read too.
//
// So only gauges and counters, and no types that are new in OpenMetrics. The names are a contract,
// mirrorctl(1) METRICS.
#pragma once

#include <cstdint>
#include <string>

#include "core/status.hpp"

namespace mirrord {

/// `now_usec`: CLOCK_REALTIME, as the times in Status.
std::string metrics_text(const Status& status, const std::string& version, uint64_t now_usec);

}  // namespace mirrord
