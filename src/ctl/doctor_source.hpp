// The doctor's look at the source of a group: whether its user can read it, and where its links
// lead.
#pragma once

#include <string>
#include <vector>

#include "core/model.hpp"
#include "ctl/doctor_report.hpp"
#include "io/user.hpp"

namespace mirrord {

/// Whether the user can read it.
bool check_source(Report& report, const Group& group, const User& user);

/// The source (of path ""), or a link of it that is mirrored as the directory it leads to.
struct FollowedLink {
  std::string path;
  std::string referent;  ///< physical
};

/// Of a source that can be read.
std::vector<FollowedLink> check_links(Report& report, const Group& group, const User& user);

/// Whether each copy would be a change that has to be copied; the daemon refuses such a target.
void check_for_loop(Report& report, const std::string& about, const Group& group,
                    const Target& target, const std::vector<FollowedLink>& links);

}  // namespace mirrord
