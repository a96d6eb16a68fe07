#include "ctl/login_failure.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <regex>
#include <sstream>
#include <string_view>
#include <vector>

#include "core/escape.hpp"
#include "core/lines.hpp"
#include "core/ssh.hpp"
#include "io/fs_identity.hpp"

namespace mirrord {

namespace {

namespace fs = std::filesystem;

constexpr const char* kUnknownKey = "Host key verification failed";
constexpr const char* kChangedKey = "REMOTE HOST IDENTIFICATION HAS CHANGED";
// With the methods that would be left: a file that cannot be read is "denied" without them.
constexpr const char* kRefused = "Permission denied (";

/// The line around a place in a text.
std::string line_at(const std::string& text, size_t place) {
  const size_t before = text.rfind('\n', place);
  const size_t start = before == std::string::npos ? 0 : before + 1;
  return escape(text.substr(start, text.find_first_of("\r\n", place) - start));
}

// ---- a host key that has changed

/// What makes ssh forget the key. It names the entry and the file itself: they may be an alias's,
/// a jump host's or of the user's ssh_config(5).
std::string forgetting(const std::string& error, const User& user) {
  static const std::regex entry("Host key for (.+) has changed");
  static const std::regex file("Offending \\S+ key in (.+):[0-9]+");
  std::smatch host, known_hosts;
  if (!std::regex_search(error, host, entry) || !std::regex_search(error, known_hosts, file))
    return "";
  const std::string command =
      fmt::format("ssh-keygen -R {} -f {}", quote(host[1]), quote(known_hosts[1]));
  // It writes the file anew, so that it becomes the writer's.
  return user.uid == ::geteuid() ? command : "runuser -u " + quote(user.name) + " -- " + command;
}

void tell_changed_key(Report& report, const std::string& about, const User& user,
                      const std::string& error, const std::string& trusting) {
  const std::string forget = forgetting(error, user);
  report.fault(
      about, "the host key is another one than the known one",
      "somebody may listen in; if the host was installed anew: " +
          (forget.empty() ? "remove the key from the known ones, then " : forget + " && ") +
          trusting);
}

// ---- a key that is of no use

/// As ssh would take them, from its own settings and those of the user's ssh_config(5).
std::vector<std::string> key_files(const User& user, const Target& target) {
  if (!target.ssh.identity_file.empty()) return {target.ssh.identity_file};
  auto argv = ssh_remote_command(target.ssh, target.destination, kNoMaster, "true");
  argv.insert(argv.begin() + 1, "-G");
  std::istringstream settings(run_command(user, argv).result.output);
  const FsIdentity eyes(user);
  constexpr std::string_view kWord = "identityfile ";
  std::vector<std::string> files;
  for (std::string line; std::getline(settings, line);) {
    if (!line.starts_with(kWord)) continue;
    std::string file = line.substr(kWord.size());
    if (file.starts_with("~/")) file.replace(0, 1, user.home);
    std::error_code ignored;
    if (fs::exists(file, ignored)) files.push_back(file);  // many that are not are looked for
  }
  return files;
}

bool is_directory(const User& user, const std::string& file) {
  const FsIdentity eyes(user);
  std::error_code ignored;
  return fs::is_directory(file, ignored);
}

/// In batch mode ssh passes over such a key, and does not always say so. ssh-keygen does: sshkey.c
/// and authfile.c.
void check_key(Report& report, const std::string& about, const User& user,
               const std::string& file) {
  const Ran ran = run_command(user, {"ssh-keygen", "-y", "-P", "", "-f", file});
  if (ran.succeeded()) return;
  const auto fault = [&](const std::string& why, const std::string& advice) {
    report.fault(
        about,
        fmt::format("the key '{}' cannot be used by user '{}': {}", escape(file), user.name, why),
        advice);
  };
  constexpr std::string_view kPublic = ".pub";
  if (is_directory(user, file)) return fault("it is a directory", "name the key in it");
  if (file.ends_with(kPublic))
    return fault("this is the public key",
                 "name " + quote(file.substr(0, file.size() - kPublic.size())));
  if (ran.complains("bad permissions"))
    return fault("others can read it", "chmod 600 " + quote(file));
  if (ran.complains("incorrect passphrase"))
    return fault("it has a passphrase, and nobody is there to type it",
                 "make another key for mirrord, or take the passphrase away: ssh-keygen -p -f " +
                     quote(file));
  fault(escape(last_line(ran.result.error)), "");
}

void tell_refusal(Report& report, const std::string& about, const Target& target, const User& user,
                  const std::string& error) {
  report.fault(about, "the login is refused: " + line_at(error, error.find(kRefused)),
               "is the key readable by user '" + user.name +
                   "', and its public part in the login's ~/.ssh/authorized_keys?");
  for (const std::string& file : key_files(user, target)) check_key(report, about, user, file);
}

}  // namespace

bool is_unknown_host(const Ran& ran) {
  return ran.complains(kUnknownKey) && !ran.complains(kChangedKey);
}

// By words of ssh's own, which sshd's version does not change: sshconnect.c and sshconnect2.c.
void tell_login_failure(Report& report, const std::string& about, const Target& target,
                        const User& user, const Ran& ran, const std::string& trusting) {
  const std::string& error = ran.result.error;
  if (!ran.in_time)
    return report.fault(about, "the login hangs", "look for a firewall, or a shell that waits");
  if (ran.complains(kChangedKey)) return tell_changed_key(report, about, user, error, trusting);
  if (ran.complains(kUnknownKey))
    return report.fault(about, "the host key is not known to user '" + user.name + "'",
                        trusting + " shows it, and writes it down if you accept it");
  if (ran.complains(kRefused)) return tell_refusal(report, about, target, user, error);
  report.fault(about, "no connection: " + escape(last_line(error)), "");
}

}  // namespace mirrord
