// The doctor's look at one target: rsync on both sides, login, host key, remote shell, destination.
#pragma once

#include "core/model.hpp"
#include "ctl/doctor_report.hpp"
#include "io/user.hpp"

namespace mirrord {

/// `user` runs rsync and ssh; with `trust`, a host key that is not known is offered for acceptance.
/// Throws std::system_error when a program cannot be started.
void check_target(Report& report, const Group& group, const Target& target, const User& user,
                  bool trust);

}  // namespace mirrord
