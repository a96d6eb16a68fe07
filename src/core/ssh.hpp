// All that we know of ssh: its command lines.
//
// One *master* per connection holds a socket at its control path; every other ssh is a session in
// it, or a connection of its own where there is no master (ssh(1), ssh_config(5) ControlMaster).
// Pure: a command is a vector of arguments, never shell text.
#pragma once

#include <string>
#include <vector>

#include "core/model.hpp"

namespace mirrord {

/// A control path that keeps ssh from looking for a master, ssh_config(5).
inline const std::string kNoMaster = "none";

/// Whether it is the socket of a master of ours.
inline bool is_master(const std::string& control_path) {
  return !control_path.empty() && control_path != kNoMaster;
}

/// ssh and its options, without a host: what rsync's -e gets. An empty `control_path` leaves the
/// matter to the user's ssh_config(5).
std::vector<std::string> ssh_command(const SshSettings& ssh, const std::string& control_path = "");

/// Connects, then serves sessions at `control_path` until its connection or itself is ended.
std::vector<std::string> ssh_master_command(const SshSettings& ssh, const Destination& to,
                                            const std::string& control_path);

/// Runs `command` there. The login shell of that side reads it: quote() what is not fixed text.
std::vector<std::string> ssh_remote_command(const SshSettings& ssh, const Destination& to,
                                            const std::string& control_path,
                                            const std::string& command);

/// One word for a POSIX shell, as it is where that will do.
std::string quote(const std::string& word);

/// Joins arguments as rsync's -e splits them: at spaces, with "…" around and "" for a quote.
std::string rsh_option(const std::vector<std::string>& argv);

/// Targets of equal keys share a connection. `user` is who runs ssh here.
std::string connection_key(const std::string& user, const SshSettings& ssh, const Destination& to);

}  // namespace mirrord
