// Reading a group's `targets`: destinations, their own settings, and their names.
//
// This is where targets are compared with each other and with the group's source, so that no
// name means two targets, no place is written by two, and none is a part of what it copies.
#pragma once

#include "core/config_reader.hpp"
#include "core/config_schema.hpp"

#include <vector>

namespace mirrord {

/// The targets in `value`, each with the settings of `group` beneath its own. Reports every
/// problem; then the result is incomplete.
std::vector<Target> read_targets(const ConfigScope& scope, const toml::node& value,
                                 const GroupDraft& group);

/// What does not go together in the settings of a target; "" when all does.
std::string fault_of_rsync(const RsyncSettings& rsync);

}  // namespace mirrord
