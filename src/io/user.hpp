// Looks up users of this machine, getpwnam(3). It may take as long as a directory server takes, so
// not in the loop of the daemon.
#pragma once

#include <optional>
#include <string>

#include "core/model.hpp"

namespace mirrord {

/// Nothing when there is no such user; throws std::system_error when that cannot be found out now.
std::optional<User> find_user(const std::string& name);
/// The user that this process runs as; a uid without a name gets its number and "/".
User current_user();

}  // namespace mirrord
