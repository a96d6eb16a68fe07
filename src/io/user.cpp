#include "io/user.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <system_error>

namespace mirrord {

namespace {

User from_passwd(const passwd& entry) {
  User user{entry.pw_name, entry.pw_dir, entry.pw_uid, entry.pw_gid, {}};
  int count = 32;
  do {
    user.groups.resize(static_cast<size_t>(count));
  } while (::getgrouplist(entry.pw_name, entry.pw_gid, user.groups.data(), &count) < 0);
  user.groups.resize(static_cast<size_t>(count));
  // A directory server may give them in another order each time: the same user compares equal.
  std::ranges::sort(user.groups);
  return user;
}

}  // namespace

std::optional<User> find_user(const std::string& name) {
  errno = 0;
  const passwd* entry = ::getpwnam(name.c_str());
  if (entry) return from_passwd(*entry);
  // getpwnam(3) RETURN VALUE. Anything else is a directory that is down, and no answer.
  constexpr int kNotFound[] = {0, ENOENT, ESRCH, EBADF, EPERM};
  if (std::ranges::find(kNotFound, errno) == std::end(kNotFound))
    throw std::system_error(errno, std::generic_category(), "look up user '" + name + "'");
  return std::nullopt;
}

User current_user() {
  const passwd* entry = ::getpwuid(::geteuid());
  if (entry) return from_passwd(*entry);
  return {std::to_string(::geteuid()), "/", ::geteuid(), ::getegid(), {}};
}

}  // namespace mirrord
