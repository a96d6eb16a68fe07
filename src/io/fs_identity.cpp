#include "io/fs_identity.hpp"

#include <sys/fsuid.h>
#include <unistd.h>

#include "io/handle.hpp"
#include "io/thread_ids.hpp"

namespace mirrord {

FsIdentity::FsIdentity(const std::optional<User>& user) {
  if (!user || user->uid == 0 || ::geteuid() != 0) return;
  int count = check_errno(::getgroups(0, nullptr), "read our groups");
  groups_before_.resize(static_cast<size_t>(count));
  check_errno(::getgroups(count, groups_before_.data()), "read our groups");
  check_errno(thread_ids::set_groups(user->groups), "take the groups of a user");
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
  (void)thread_ids::set_groups(groups_before_);
}

}  // namespace mirrord
