// A user of this machine as a child process needs it: ids, groups and home, from getpwnam(3).
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace mirrord {

struct User {
  std::string name;
  std::string home;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
};

std::optional<User> find_user(const std::string& name);
/// The user that this process runs as; a uid without a name gets its number and "/".
User current_user();

}  // namespace mirrord
