#include "io/runtime_dir.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "io/handle.hpp"

namespace mirrord {

namespace {

namespace fs = std::filesystem;

void make_directory(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) < 0 && errno != EEXIST)
    throw std::system_error(errno, std::generic_category(), fmt::format("create '{}'", path));
}

std::string runtime_directory() {
  const char* given = std::getenv("RUNTIME_DIRECTORY");
  // systemd names several, separated by colons, when the unit does.
  std::string path = given ? std::string(given).substr(0, std::string(given).find(':')) : "";
  if (path.empty()) path = "/run/mirrord";
  make_directory(path, 0755);
  return path;
}

void check_owner(const std::string& path, const User& user) {
  struct stat st {};
  check_errno(::lstat(path.c_str(), &st), fmt::format("look at '{}'", path));
  bool private_directory = S_ISDIR(st.st_mode) && st.st_uid == user.uid && (st.st_mode & 077) == 0;
  if (!private_directory)
    throw std::system_error(EPERM, std::generic_category(),
                            fmt::format("use '{}', which is not the private directory of user "
                                        "'{}'; remove it",
                                        path, user.name));
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

}  // namespace

std::string ssh_directory(const User& user) {
  std::string path = fmt::format("{}/ssh-{}", runtime_directory(), user.uid);
  if (::mkdir(path.c_str(), 0700) == 0) {
    if (user.uid != ::geteuid())
      check_errno(::chown(path.c_str(), user.uid, user.gid), fmt::format("chown '{}'", path));
  } else if (errno != EEXIST) {
    throw std::system_error(errno, std::generic_category(), fmt::format("create '{}'", path));
  }
  check_owner(path, user);
  sweep(path);
  return path;
}

}  // namespace mirrord
