// What the daemon says of itself on the bus, as the core's plain Status.
//
// One call fetches everything, as JSON, so the parts of the answer belong together.
#pragma once

#include <string>

#include "core/status.hpp"
#include "ctl/bus_client.hpp"

namespace mirrord {

/// Part of all groups and targets; "" selects all.
struct Selection {
  std::string group;
  std::string target;
};

struct Service {
  std::string version;
  Status status;
};

/// What Describe() of the manager says, org.mirrord1(5). Throws Failure, as all of these.
std::string read_json(BusClient& bus);
Service read_service(BusClient& bus);
/// Groups in order of their names, targets as configured.
Status read_status(BusClient& bus);

/// The part that is asked for. Throws Failure when there is no such group or target.
Status selected(const Status& status, const Selection& selection);

}  // namespace mirrord
