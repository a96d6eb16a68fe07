// Looks at files with the eyes of another user, setfsuid(2).
//
// rsync runs as the group's `user`; what that user cannot reach is not mirrored. While an object
// lives, this thread's file access is checked as the user's. As an ordinary user it does nothing.
#pragma once

#include <sys/types.h>

#include <optional>
#include <vector>

#include "io/user.hpp"

namespace mirrord {

class FsIdentity {
 public:
  /// Nobody given: our own eyes.
  explicit FsIdentity(const std::optional<User>& user);
  ~FsIdentity();
  FsIdentity(const FsIdentity&) = delete;
  FsIdentity& operator=(const FsIdentity&) = delete;

 private:
  bool changed_ = false;
  std::vector<gid_t> groups_before_;
  uid_t uid_before_ = 0;
  gid_t gid_before_ = 0;
};

}  // namespace mirrord
