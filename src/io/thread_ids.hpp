// The ids of the calling thread alone: glibc's wrappers change those of all threads, nptl(7). As
// the system calls they return -1 with errno; they take no lock, so a child of vfork(2) may call
// them.
#pragma once

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <vector>

namespace mirrord::thread_ids {

// The plain names take ids of 16 bits where there are others, setgroups(2).
#ifdef SYS_setgroups32
constexpr long kSetGroups = SYS_setgroups32, kSetGid = SYS_setresgid32, kSetUid = SYS_setresuid32;
#else
constexpr long kSetGroups = SYS_setgroups, kSetGid = SYS_setresgid, kSetUid = SYS_setresuid;
#endif

inline int set_groups(const std::vector<gid_t>& groups) {
  return static_cast<int>(::syscall(kSetGroups, groups.size(), groups.data()));
}
/// The real, the effective and the saved one.
inline int set_gid(gid_t gid) { return static_cast<int>(::syscall(kSetGid, gid, gid, gid)); }
inline int set_uid(uid_t uid) { return static_cast<int>(::syscall(kSetUid, uid, uid, uid)); }

}  // namespace mirrord::thread_ids
