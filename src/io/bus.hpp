// Connections to a message bus, sd-bus(3).
#pragma once

#include <memory>
#include <string>

struct sd_bus;

namespace mirrord {

struct BusCloser {
  void operator()(sd_bus* bus) const;
};
using Bus = std::unique_ptr<sd_bus, BusCloser>;

/// Begins to connect to "system", "user" or a D-Bus address; negative errno when that fails.
int open_bus(const std::string& address, Bus& bus);
/// The same for the system bus of another host, "[USER@]HOST", by ssh.
int open_remote_bus(const std::string& host, Bus& bus);

}  // namespace mirrord
