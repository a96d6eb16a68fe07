#include "io/fs_identity.hpp"

#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io/handle.hpp"

namespace mirrord {

namespace {

/// The raw call: glibc's wrapper would change the groups of all threads.
int set_groups(const std::vector<gid_t>& groups) {
  return static_cast<int>(::syscall(SYS_setgroups, groups.size(), groups.data()));
}

}  // namespace

FsIdentity::FsIdentity(const std::optional<User>& user) {
  if (!user || user->uid == 0 || ::geteuid() != 0) return;
  int count = check_errno(::getgroups(0, nullptr), "read our groups");
  groups_before_.resize(static_cast<size_t>(count));
  check_errno(::getgroups(count, groups_before_.data()), "read our groups");
  check_errno(set_groups(user->groups), "take the groups of a user");
  gid_before_ = static_cast<gid_t>(::setfsgid(user->gid));
  // Last: with the uid go CAP_DAC_OVERRIDE and its like.
  uid_before_ = static_cast<uid_t>(::setfsuid(user->uid));
  changed_ = true;
}

FsIdentity::~FsIdentity() {
  if (!changed_) return;
  ::setfsuid(uid_before_);
  ::setfsgid(gid_before_);
  // We had these groups and still have the capability: it cannot fail.
  (void)set_groups(groups_before_);
}

}  // namespace mirrord
