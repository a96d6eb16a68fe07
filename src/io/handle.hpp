// Owners of what the kernel and libsystemd hand out, and the one way to report that they refused.
//
// Move-only, closed or unreferenced exactly once. Nothing outside io/ calls close() or unref.
#pragma once

#include <unistd.h>

#include <string>
#include <utility>

namespace mirrord {

/// A file descriptor; -1 is none.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { reset(); }

  void reset() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// Passes a result >= 0 on; throws std::system_error "what: reason" otherwise.
/// `result` is a system call's -1 with errno, or sd-*'s negative errno.
int check_errno(int result, const std::string& what);
int check(int negative_errno, const std::string& what);

/// Whether open(2) or the like was refused because no descriptor is left, to us or on this machine.
bool out_of_descriptors(int error);

}  // namespace mirrord
