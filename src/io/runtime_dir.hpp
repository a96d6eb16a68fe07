// What lives only while the service runs: sockets and files below $RUNTIME_DIRECTORY, else
// /run/mirrord, else (not root, and no such directory) /tmp/mirrord-UID.
//
// ssh-UID/ in it belongs to one user, who alone may enter it: whoever can reach an ssh master's
// socket can log in through it. Files in it are made and removed with that user's rights, so root
// needs no CAP_DAC_OVERRIDE. Names begin with our process id; what dead processes left is swept.
#pragma once

#include <string>
#include <utility>

#include "io/user.hpp"

namespace mirrord {

/// A path for a socket of `user`; nothing is there yet. Throws std::system_error when there is no
/// place for it.
std::string new_socket_path(const User& user);
/// What is at such a path, or nothing.
void remove_runtime_file(const User& user, const std::string& path) noexcept;

/// A file that `user` alone can read, removed with this object. Throws std::system_error when it
/// cannot be written.
class PrivateFile {
 public:
  PrivateFile() = default;
  PrivateFile(const User& user, const std::string& text);
  PrivateFile(PrivateFile&& other) noexcept
      : user_(std::move(other.user_)), path_(std::exchange(other.path_, "")) {}
  PrivateFile& operator=(PrivateFile&& other) noexcept {
    std::swap(user_, other.user_);
    std::swap(path_, other.path_);
    return *this;
  }
  ~PrivateFile();

  /// "" when there is no file.
  const std::string& path() const { return path_; }

 private:
  User user_;
  std::string path_;
};

}  // namespace mirrord
