#include "ctl/host_keys.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>

#include "core/escape.hpp"
#include "core/lines.hpp"
#include "core/ssh.hpp"
#include "ctl/run_command.hpp"
#include "ctl/small_file.hpp"
#include "io/fs_identity.hpp"
#include "io/handle.hpp"

namespace mirrord {

namespace {

namespace fs = std::filesystem;

/// A directory that the user alone can enter, gone with the object. What is in it is the user's, so
/// only the user's rights are used there.
class PrivateDirectory {
 public:
  explicit PrivateDirectory(const User& user) : user_(user) {
    FsIdentity as(user_);
    check_errno(::mkdtemp(path_) ? 0 : -1, "create a temporary directory");
  }
  ~PrivateDirectory() {
    FsIdentity as(user_);
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  PrivateDirectory(const PrivateDirectory&) = delete;
  PrivateDirectory& operator=(const PrivateDirectory&) = delete;

  std::string file(const std::string& name) const { return std::string(path_) + '/' + name; }

 private:
  User user_;
  char path_[32] = "/tmp/mirrorctl-XXXXXX";
};

/// Its settings come first on ssh's command line, so these hold.
SshSettings fetching_into(SshSettings ssh, const std::string& file) {
  for (const auto& [word, value] : std::initializer_list<std::pair<const char*, std::string>>{
           // "accept-new" says it better, since OpenSSH 7.6; the file is empty, so it is the same.
           {"StrictHostKeyChecking", "no"},
           {"UserKnownHostsFile", file},
           {"GlobalKnownHostsFile", "/dev/null"},
           {"HashKnownHosts", "no"},
           {"UpdateHostKeys", "no"}})
    ssh.options[word] = value;
  return ssh;
}

/// The lines of known_hosts for the target; nothing when the host does not answer.
std::optional<std::string> fetch(const User& user, const Target& target, const std::string& file) {
  // Whether the login succeeds does not matter.
  run_command(user, ssh_remote_command(fetching_into(target.ssh, file), target.destination,
                                       kNoMaster, "true"));
  FsIdentity as(user);
  return read_small_file(file, Links::refuse).content;
}

/// Shows the fingerprints; false when there is none to compare.
bool show(const User& user, const std::string& file) {
  const Ran ran = run_command(user, {"ssh-keygen", "-l", "-f", file});
  const std::vector<std::string> fingerprints = lines_of(ran.result.output);
  if (!ran.succeeded() || fingerprints.empty()) {
    std::printf("      its key cannot be shown: %s\n", escape(last_line(ran.result.error)).c_str());
    return false;
  }
  for (const std::string& one : fingerprints)
    std::printf("      its key: %s\n", escape(one).c_str());
  return true;
}

bool confirmed(const User& user, const std::string& known_hosts) {
  std::printf("      write it to '%s' of user '%s'? Type yes or no: ", escape(known_hosts).c_str(),
              user.name.c_str());
  std::fflush(stdout);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "yes";
}

/// An editor may have left the last line of a file open.
bool ends_in_a_line(const Fd& file, const std::string& purpose) {
  struct stat st {};
  char last = '\n';
  check_errno(::fstat(file.get(), &st), purpose);
  if (st.st_size > 0)
    check_errno(static_cast<int>(::pread(file.get(), &last, 1, st.st_size - 1)), purpose);
  return last == '\n';
}

void append(const User& user, const std::string& known_hosts, const std::string& lines) {
  FsIdentity as(user);
  fs::path directory = fs::path(known_hosts).parent_path();
  if (::mkdir(directory.c_str(), 0700) < 0 && errno != EEXIST)
    check_errno(-1, "create '" + directory.native() + "'");
  std::string what = "write '" + known_hosts + "'";
  Fd file(check_errno(::open(known_hosts.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600),
                      what));
  const std::string text = ends_in_a_line(file, what) ? lines : '\n' + lines;
  const ssize_t written = ::write(file.get(), text.data(), text.size());
  if (written < 0 || static_cast<size_t>(written) != text.size())
    throw std::system_error(written < 0 ? errno : ENOSPC, std::generic_category(), what);
}

}  // namespace

bool trust_host_key(const User& user, const Target& target) {
  PrivateDirectory directory(user);
  std::string fetched = directory.file("known_hosts");
  const std::optional<std::string> lines = fetch(user, target, fetched);
  std::string known_hosts = target.ssh.known_hosts_file.empty() ? user.home + "/.ssh/known_hosts"
                                                                : target.ssh.known_hosts_file;
  if (!lines || !show(user, fetched) || !confirmed(user, known_hosts)) return false;
  append(user, known_hosts, *lines);
  return true;
}

}  // namespace mirrord
