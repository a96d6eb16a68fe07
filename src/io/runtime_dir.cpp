#include "io/runtime_dir.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "io/fs_identity.hpp"
#include "io/handle.hpp"

namespace mirrord {

namespace {

namespace fs = std::filesystem;

void check_owner(const std::string& path, uid_t uid) {
  struct stat st {};
  check_errno(::lstat(path.c_str(), &st), fmt::format("look at '{}'", path));
  bool private_directory = S_ISDIR(st.st_mode) && st.st_uid == uid && (st.st_mode & 077) == 0;
  if (!private_directory)
    throw std::system_error(EPERM, std::generic_category(),
                            fmt::format("use '{}', which is not the private directory of uid {}; "
                                        "remove it",
                                        path, uid));
}

/// Makes a directory that may be there already; false where we may not.
bool make_directory(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return true;
  if (errno == EACCES || errno == EPERM) return false;
  throw std::system_error(errno, std::generic_category(), fmt::format("create '{}'", path));
}

std::string runtime_directory() {
  const char* given = std::getenv("RUNTIME_DIRECTORY");
  // systemd names several, separated by colons, when the unit does.
  std::string path = given ? std::string(given).substr(0, std::string(given).find(':')) : "";
  if (path.empty()) path = "/run/mirrord";
  if (make_directory(path, 0755)) return path;
  path = fmt::format("/tmp/mirrord-{}", ::geteuid());
  make_directory(path, 0700);
  check_owner(path, ::geteuid());
  return path;
}

void sweep(const std::string& directory) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, ignored)) {
    std::string name = entry.path().filename();
    pid_t pid = 0;
    std::from_chars(name.data(), name.data() + name.size(), pid);
    if (pid > 0 && ::kill(pid, 0) < 0 && errno == ESRCH) fs::remove(entry.path(), ignored);
  }
}

/// ssh-UID/, made when it is not there.
std::string directory_of(const User& user) {
  std::string path = fmt::format("{}/ssh-{}", runtime_directory(), user.uid);
  if (::mkdir(path.c_str(), 0700) == 0) {
    if (user.uid != ::geteuid())
      check_errno(::chown(path.c_str(), user.uid, user.gid), fmt::format("chown '{}'", path));
  } else if (errno != EEXIST) {
    throw std::system_error(errno, std::generic_category(), fmt::format("create '{}'", path));
  }
  check_owner(path, user.uid);
  FsIdentity as(user);
  sweep(path);
  return path;
}

std::string new_path(const User& user) {
  static unsigned count = 0;
  std::string path = fmt::format("{}/{}-{}", directory_of(user), ::getpid(), ++count);
  // In a container an earlier daemon, which was killed, had the same process id.
  ::unlink(path.c_str());
  return path;
}

}  // namespace

std::string new_socket_path(const User& user) {
  // ssh binds the path with 17 more bytes, and sun_path of unix(7) holds 108.
  constexpr size_t kLongest = 90;
  std::string path = new_path(user);
  if (path.size() <= kLongest) return path;
  throw std::system_error(ENAMETOOLONG, std::generic_category(), fmt::format("use '{}'", path));
}

void remove_runtime_file(const User& user, const std::string& path) noexcept {
  try {
    FsIdentity as(user);
    ::unlink(path.c_str());
  } catch (const std::system_error&) {
    // What stays behind is swept by the next process.
  }
}

PrivateFile::PrivateFile(const User& user, const std::string& text) : PrivateFile() {
  user_ = user;
  std::string path = new_path(user);
  std::string what = fmt::format("write '{}'", path);
  FsIdentity as(user);
  Fd file(check_errno(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400), what));
  path_ = path;
  for (size_t written = 0; written < text.size();) {
    ssize_t n = ::write(file.get(), text.data() + written, text.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw std::system_error(errno, std::generic_category(), what);
    written += static_cast<size_t>(n);
  }
}

PrivateFile::~PrivateFile() {
  if (!path_.empty()) remove_runtime_file(user_, path_);
}

}  // namespace mirrord
