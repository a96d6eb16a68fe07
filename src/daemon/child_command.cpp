#include "daemon/child_command.hpp"

namespace mirrord {

Command child_command(const Group& group, std::vector<std::string> argv) {
  Command command;
  command.argv = std::move(argv);
  command.environment = child_environment(group.runs_as);
  command.user = group.runs_as;
  return command;
}

}  // namespace mirrord
