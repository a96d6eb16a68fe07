// The doctor's look at one target: rsync on both sides, login, host key, remote shell, destination.
#pragma once

#include <string>

#include "core/model.hpp"
#include "ctl/doctor_report.hpp"
#include "io/user.hpp"

namespace mirrord {

/// What is done about a host key that is not known.
struct Trust {
  bool offered = false;  ///< for acceptance, at once
  std::string command;   ///< for a shell, that offers it
};

/// `user` runs rsync and ssh. Throws std::system_error when a program cannot be started.
void check_target(Report& report, const Group& group, const Target& target, const User& user,
                  const Trust& trust);

}  // namespace mirrord
