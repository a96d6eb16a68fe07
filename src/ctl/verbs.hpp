// The verbs of mirrorctl(1): each does one thing, prints what it has to say, and returns the exit
// status. What cannot be done is thrown as Failure.
#pragma once

#include <string>

#include "ctl/bus_client.hpp"
#include "ctl/status.hpp"

namespace mirrord {

Exit show_status(const BusClient::Address& address, const Selection& selection);
Exit reload(const BusClient::Address& address);
Exit sync(const BusClient::Address& address, const Selection& selection, bool full);
/// Needs no daemon.
Exit check_config(const std::string& directory);

}  // namespace mirrord
