// Which failures of one target are worth a line of the log: an outage of a day writes a few dozen.
//
// The first one is, and so is one that reads differently, up to kMostTexts of these; what repeats
// is told at intervals that double, with the number of those that were passed over. Pure: time is
// an argument.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>

#include "core/model.hpp"

namespace mirrord {

class FailureLog {
 public:
  static constexpr auto kFirstInterval = std::chrono::minutes(1);
  static constexpr auto kLongestInterval = std::chrono::hours(1);
  static constexpr size_t kMostTexts = 8;

  /// How many were passed over since the last line; nothing = pass over this one too.
  std::optional<size_t> tell(const std::string& text, Instant now);
  /// The next failure is news.
  void recovered() { *this = FailureLog(); }

 private:
  std::set<std::string> told_;
  std::optional<Instant> quiet_until_;
  Duration interval_ = kFirstInterval;
  size_t passed_over_ = 0;
};

/// What a line says of those that tell() passed over before it; "" of none.
std::string more_failures(std::optional<size_t> passed_over);

}  // namespace mirrord
