// The verbs of mirrorctl(1): each does one thing, prints what it has to say, and returns the exit
// status. What cannot be done is thrown as Failure.
#pragma once

#include <string>

#include "ctl/bus_client.hpp"
#include "ctl/status.hpp"

namespace mirrord {

Exit show_status(const BusClient::Address& address, const Selection& selection);
Exit reload(const BusClient::Address& address);

struct SyncOptions {
  bool full = false;
  bool wait = false;
  bool approve_deletes = false;
};
/// With `wait`, failed when a target fails, is held or is paused.
Exit sync(const BusClient::Address& address, const Selection& selection,
          const SyncOptions& options);
/// Until every change made before the call is on the targets. `timeout` is a duration as in the
/// configuration; "" = none.
Exit wait(const BusClient::Address& address, const Selection& selection,
          const std::string& timeout);
/// Failed when something differs, or could not be compared.
Exit verify(const BusClient::Address& address, const Selection& selection);
Exit pause(const BusClient::Address& address, const Selection& selection);
Exit resume(const BusClient::Address& address, const Selection& selection);

/// Needs no daemon.
Exit check_config(const std::string& directory);

}  // namespace mirrord
