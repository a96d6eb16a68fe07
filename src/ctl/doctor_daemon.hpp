// The doctor's look at a target that is a module of an rsync daemon: rsyncd.conf(5).
#pragma once

#include <string>

#include "core/model.hpp"
#include "ctl/doctor_report.hpp"
#include "ctl/run_command.hpp"
#include "io/user.hpp"

namespace mirrord {

/// `tried` is what try_transfer() came to.
void check_daemon_target(Report& report, const std::string& about, const Target& target,
                         const User& user, const Ran& tried);

}  // namespace mirrord
