// A child of a group: its arguments, run as the group's user with that user's environment.
#pragma once

#include <string>
#include <vector>

#include "core/model.hpp"
#include "io/process.hpp"

namespace mirrord {

Command child_command(const Group& group, std::vector<std::string> argv);

}  // namespace mirrord
