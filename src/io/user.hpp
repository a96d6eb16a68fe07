// Looks up users of this machine, getpwnam(3). It may take as long as a directory server takes, so
// not in the loop of the daemon.
#pragma once

#include <optional>
#include <string>

#include "core/model.hpp"

namespace mirrord {

std::optional<User> find_user(const std::string& name);
/// The user that this process runs as; a uid without a name gets its number and "/".
User current_user();

}  // namespace mirrord
