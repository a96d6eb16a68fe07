// How long to wait after failures in a row: half as long again each time, with jitter.
//
// +-20 %: what failed together shall not come back together. Pure: time is an argument.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>

#include "core/model.hpp"

namespace mirrord {

class Backoff {
 public:
  explicit Backoff(uint32_t jitter_seed) : random_(jitter_seed) {}

  /// Waits from now on, `initial` after the first failure and at most `max`.
  void failed(const RetrySettings& retry, Instant now);
  void succeeded() {
    failures_ = 0;
    until_ = {};
  }
  /// There is a reason not to wait any longer.
  void skip(Instant now) { until_ = std::min(until_, now); }

  uint32_t failures() const { return failures_; }
  Instant until() const { return until_; }

 private:
  std::minstd_rand random_;
  uint32_t failures_ = 0;
  Instant until_{};
};

}  // namespace mirrord
