// The state of the service as JSON: what Describe() answers and `mirrorctl --json` prints.
//
// Keys are the names of the bus properties, so that both are learned at once, and some more:
// org.mirrord1(5). A group holds its targets, the manager its groups. New keys may come, none goes.
#pragma once

#include <cstdint>
#include <string>

#include "core/status.hpp"

namespace mirrord {

struct ServiceFacts {
  std::string version;
  std::string config_directory;
  uint64_t now_usec = 0;  ///< CLOCK_REALTIME
};

std::string to_json(const Status& status, const ServiceFacts& facts);
std::string to_json(const Status& status, const GroupStatus& group, uint64_t now_usec);
std::string to_json(const TargetStatus& target, uint64_t now_usec);

}  // namespace mirrord
