#include "core/backoff.hpp"

#include <cmath>

namespace mirrord {

void Backoff::failed(const RetrySettings& retry, Instant now) {
  // What comes back after an hour is tried again within half an hour; with a second at first, that
  // makes some 14 attempts in ten minutes.
  constexpr double kGrowth = 1.5;
  constexpr uint32_t kMostGrowths = 64;
  std::uniform_real_distribution<double> jitter(0.8, 1.2);
  double grown = static_cast<double>(retry.initial.count()) *
                 std::pow(kGrowth, std::min(failures_++, kMostGrowths));
  double capped = std::min(grown, static_cast<double>(retry.max.count()));
  until_ = now + Duration(static_cast<int64_t>(capped * jitter(random_)));
}

}  // namespace mirrord
