// The configuration directory: which files count, in which order, and whether they may be trusted.
//
// The files name commands that root runs, so one that anybody but root and the reader can write is
// refused, as sshd does. What the texts mean is core/config's.
#pragma once

#include <string>

#include "core/config_facts.hpp"

namespace mirrord {

/// Reads DIR/*.toml in byte order of their names (not those that start with "."), and asks for the
/// users and files of this machine that they name. May hang as long as what it reads does.
ConfigFacts gather_facts(const std::string& directory, const Asking& asking);

/// What is gathered, parsed.
ParsedConfig load_config(const std::string& directory);

}  // namespace mirrord
