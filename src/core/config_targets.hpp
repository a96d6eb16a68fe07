// Reading a group's `targets`: destinations, their own settings, and their names.
//
// This is where targets are compared with each other and with the group's source, so that no
// name means two targets, no place is written by two, and none is a part of what it copies.
#pragma once

#include "core/config_reader.hpp"
#include "core/config_schema.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mirrord {

/// The targets in `value`, each with the settings of `group` beneath its own. Reports every
/// problem; then the result is incomplete.
std::vector<Target> read_targets(const ConfigScope& scope, const toml::node& value,
                                 const GroupDraft& group);

/// A setting that does not go together with rsync.inplace = true, and why.
struct RsyncFault {
  std::string_view key;  ///< "rsync.partial_dir"
  std::string why;
};

std::vector<RsyncFault> faults_of_rsync(const RsyncSettings& rsync);
bool has_fault(const RsyncSettings& rsync, std::string_view key);

}  // namespace mirrord
