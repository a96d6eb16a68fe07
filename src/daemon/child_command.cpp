#include "daemon/child_command.hpp"

#include <cerrno>
#include <system_error>

namespace mirrord {

User user_of(const Group& group) {
  if (group.user.empty()) return current_user();
  if (auto user = find_user(group.user)) return *user;
  throw std::system_error(ENOENT, std::generic_category(), "look up user '" + group.user + "'");
}

Command child_command(const Group& group, std::vector<std::string> argv) {
  User user = user_of(group);
  Command command;
  command.argv = std::move(argv);
  command.environment = child_environment(user);
  command.user = user;
  return command;
}

}  // namespace mirrord
