#include "core/failure_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace mirrord {

std::optional<size_t> FailureLog::tell(const std::string& text, Instant now) {
  bool is_news = told_.size() < kMostTexts && told_.insert(text).second;
  if (!is_news && quiet_until_ && now < *quiet_until_) {
    ++passed_over_;
    return std::nullopt;
  }
  // News among what repeats does not make it repeat sooner.
  if (!quiet_until_) {
    quiet_until_ = now + interval_;
  } else if (now >= *quiet_until_) {
    interval_ = std::min<Duration>(interval_ * 2, kLongestInterval);
    quiet_until_ = now + interval_;
  }
  return std::exchange(passed_over_, 0);
}

std::string more_failures(std::optional<size_t> passed_over) {
  if (passed_over.value_or(0) == 0) return "";
  return fmt::format(" ({} more failures since the last line)", *passed_over);
}

}  // namespace mirrord
