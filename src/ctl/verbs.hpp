// The verbs of mirrorctl(1): each does one thing, prints what it has to say, and returns the exit
// status. What cannot be done is thrown as Failure.
#pragma once

#include <string>

#include "ctl/bus_client.hpp"
#include "ctl/status.hpp"

namespace mirrord {

Exit show_status(const BusClient::Address& address, const Selection& selection, bool json);
/// The same, live and redrawn in place, until it is interrupted.
Exit monitor(const BusClient::Address& address, const Selection& selection);
/// Failed when the path is not mirrored.
Exit explain(const BusClient::Address& address, const std::string& group, const std::string& path,
             bool json);
/// As OpenMetrics text.
Exit show_metrics(const BusClient::Address& address);

/// Where --config-dir says nothing else.
inline constexpr const char* kConfigDirectory = "/etc/mirrord";

struct DoctorOptions {
  std::string config_directory;
  bool trust = false;  ///< offers to accept host keys that are not known
  bool json = false;
};
/// Looks for what keeps a group from being mirrored. Failed when something does.
Exit doctor(const BusClient::Address& address, const Selection& selection,
            const DoctorOptions& options);

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
Exit verify(const BusClient::Address& address, const Selection& selection, bool json);
Exit pause(const BusClient::Address& address, const Selection& selection);
Exit resume(const BusClient::Address& address, const Selection& selection);

/// Needs no daemon.
Exit check_config(const std::string& directory);

/// `error`: the errno, 0 = not known any more.
Failure unwritable_output(int error);
/// Throws Failure when it cannot be written.
void print(const std::string& text);
/// JSON as the daemon gave it: indented on a terminal, a line for programs.
void print_json(const std::string& text);
/// CLOCK_REALTIME, as the times in Status.
uint64_t now_usec();
/// On a terminal, unless the user asked for none, https://no-color.org.
bool wants_colours();

}  // namespace mirrord
