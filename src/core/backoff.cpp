#include "core/backoff.hpp"

namespace mirrord {

void Backoff::failed(const RetrySettings& retry, Instant now) {
  constexpr uint32_t kMostDoublings = 40;
  std::uniform_real_distribution<double> jitter(0.8, 1.2);
  double doubled = static_cast<double>(retry.initial.count()) *
                   static_cast<double>(uint64_t{1} << std::min(failures_++, kMostDoublings));
  double capped = std::min(doubled, static_cast<double>(retry.max.count()));
  until_ = now + Duration(static_cast<int64_t>(capped * jitter(random_)));
}

}  // namespace mirrord
