// The doctor's look at rsync: its versions, and whether both sides take the settings of a target.
#pragma once

#include <optional>
#include <string>

#include "core/capabilities.hpp"
#include "core/model.hpp"
#include "ctl/doctor_report.hpp"
#include "ctl/run_command.hpp"
#include "io/user.hpp"

namespace mirrord {

/// Nothing when there is none.
std::optional<RsyncVersion> check_rsync_here(Report& report, const std::string& about,
                                             const Target& target, const User& user);

/// `ran` is its `--version` on the target.
void check_rsync_there(Report& report, const std::string& about, const Ran& ran);

/// A transfer of nothing, and only as a try, with all settings: it gets as far as the first file
/// would. To the module itself: what is below it a dry run does not make, but a transfer does.
Ran try_transfer(const Group& group, const Target& target, const User& user,
                 const RsyncVersion& here);

/// Such a transfer found something else at the other end (compat.c).
bool is_no_rsync(const Ran& tried);

/// It told that it refuses its settings.
bool tell_refused_settings(Report& report, const std::string& about, const Ran& tried);

/// What such a transfer says of the settings.
void check_settings(Report& report, const std::string& about, const Ran& tried);

}  // namespace mirrord
