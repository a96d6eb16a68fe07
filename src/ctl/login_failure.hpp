// Why ssh came to no session on a target: what it printed, in words that say what to mend.
#pragma once

#include <string>

#include "core/model.hpp"
#include "ctl/doctor_report.hpp"
#include "ctl/run_command.hpp"

namespace mirrord {

/// Not known, and not another one than the known one.
bool is_unknown_host(const Ran& ran);

/// `ran` is an ssh that `user` ran; `trusting` is the command that accepts an unknown host key.
/// After a refusal the user's keys are looked at, too.
void tell_login_failure(Report& report, const std::string& about, const Target& target,
                        const User& user, const Ran& ran, const std::string& trusting);

}  // namespace mirrord
