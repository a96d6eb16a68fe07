// mirrorctl import-lsyncd, see mirrorctl(1).
#pragma once

#include <optional>
#include <string>

#include "ctl/bus_client.hpp"

namespace mirrord {

/// Prints the TOML on standard output, and on standard error what could not be carried over, a
/// line each. Exit::failed when there is any, or when the file cannot be read. Needs no daemon.
/// Every group runs as `user`, if one is given.
Exit import_lsyncd(const std::string& file, const std::optional<std::string>& user);

}  // namespace mirrord
