#include "core/vigil.hpp"

#include <utility>

namespace mirrord {

std::vector<std::string> Vigil::overdue(const std::vector<std::string>& undone, Instant now) {
  std::map<std::string, Instant> before = std::exchange(since_, {});
  std::vector<std::string> overdue;
  for (const std::string& duty : undone) {
    auto known = before.find(duty);
    Instant since = known == before.end() ? now : known->second;
    since_[duty] = since;
    if (now - since >= patience_) overdue.push_back(duty);
  }
  return overdue;
}

}  // namespace mirrord
