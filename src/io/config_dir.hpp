// The configuration directory: which files count, in which order, and whether they may be trusted.
//
// The files name commands that root runs, so one that group or others can write is refused, as
// ssh does. What the texts mean is core/config's.
#pragma once

#include <string>

#include "core/config.hpp"

namespace mirrord {

/// Reads DIR/*.toml in byte order of their names (not those that start with ".") and parses them
/// with the users and files of this machine.
ParsedConfig load_config(const std::string& directory);

}  // namespace mirrord
