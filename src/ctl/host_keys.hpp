// Accepting a host key that is not known yet: mirrorctl doctor --trust.
//
// ssh itself fetches it, by the way that it will take later (aliases, ports and jump hosts
// included), into a file of its own; a person compares the fingerprint, and only then the key goes
// into the known_hosts file of the group's user. A key that has changed is never touched.
#pragma once

#include <string>

#include "core/model.hpp"
#include "io/user.hpp"

namespace mirrord {

/// Asks on standard output and reads the answer from standard input. False when there is no key to
/// be had, or it was not accepted. Throws std::system_error when it cannot be written.
bool trust_host_key(const User& user, const Target& target);

}  // namespace mirrord
