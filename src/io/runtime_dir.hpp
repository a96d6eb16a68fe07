// Where sockets live while the service runs: $RUNTIME_DIRECTORY, else /run/mirrord.
//
// ssh-UID/ in it belongs to one user, who alone may enter it: whoever can reach an ssh master's
// socket can log in through it. Names begin with our process id; what dead processes left is swept.
#pragma once

#include <string>

#include "io/user.hpp"

namespace mirrord {

/// ssh-UID/, made when it is not there. Throws std::system_error when it cannot be made, or when
/// it is not the user's own.
std::string ssh_directory(const User& user);

}  // namespace mirrord
