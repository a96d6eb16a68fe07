// A limit of setrlimit(2), lowered for this process or another one for as long as an object lives.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include "io/handle.hpp"

namespace mirrord::test {

/// Each new descriptor would be beyond it; those that are open stay.
inline constexpr rlim_t kNoMoreDescriptors = 3;

class ResourceLimit {
 public:
  /// `pid` 0 is the calling process.
  ResourceLimit(__rlimit_resource resource, rlim_t soft, pid_t pid = 0)
      : resource_(resource), pid_(pid) {
    check_errno(::prlimit(pid_, resource_, nullptr, &before_), "look at a limit");
    const rlimit lower{soft, before_.rlim_max};
    check_errno(::prlimit(pid_, resource_, &lower, nullptr), "lower a limit");
  }
  ~ResourceLimit() { ::prlimit(pid_, resource_, &before_, nullptr); }
  ResourceLimit(const ResourceLimit&) = delete;
  ResourceLimit& operator=(const ResourceLimit&) = delete;

 private:
  __rlimit_resource resource_;
  pid_t pid_;
  rlimit before_{};
};

}  // namespace mirrord::test
