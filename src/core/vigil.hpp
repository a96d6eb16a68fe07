// Which duties are overdue: what only the daemon itself can do, and has left undone for long.
//
// It is told now and then what stands undone at that moment. What stands under the same name from
// one look to another, for as long as the patience, is overdue. A name therefore tells a duty apart
// from the next one of its kind. Pure: time is an argument.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/model.hpp"

namespace mirrord {

class Vigil {
 public:
  explicit Vigil(Duration patience) : patience_(patience) {}

  /// Of what is undone now, that which has been for the patience or longer.
  std::vector<std::string> overdue(const std::vector<std::string>& undone, Instant now);

 private:
  Duration patience_;
  std::map<std::string, Instant> since_;
};

}  // namespace mirrord
