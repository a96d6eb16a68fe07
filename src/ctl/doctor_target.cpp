#include "ctl/doctor_target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <regex>
#include <string_view>

#include "core/escape.hpp"
#include "core/lines.hpp"
#include "core/ssh.hpp"
#include "core/status_text.hpp"
#include "ctl/doctor_daemon.hpp"
#include "ctl/doctor_rsync.hpp"
#include "ctl/host_keys.hpp"
#include "ctl/login_failure.hpp"
#include "ctl/run_command.hpp"

namespace mirrord {

namespace {

constexpr auto kSlowLogin = std::chrono::seconds(2);
constexpr size_t kLongestAnswer = 100;  // of what is no rsync, as far as it is told

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

std::string first_line(const std::string& text) { return escape(text.substr(0, text.find('\n'))); }

// ---- the destination

/// For a POSIX shell: whether the destination can be written, or the nearest directory above it
/// that exists; and how much df(1) finds free there. The loop runs no program: where that is
/// missing, it would have no end.
std::string writable_question(const std::string& path) {
  return "d=" + quote(path) +
         "; while [ ! -e \"$d\" ]; do d=${d%/*}; d=${d:-/}; done; "
         "if [ ! -d \"$d\" ]; then printf 'mirrord-file %s\\n' \"$d\"; "
         "elif [ -w \"$d\" ]; then echo mirrord-yes; df -P \"$d\"; df -P -i \"$d\"; "
         // It fails, and the shell says why.
         "else echo mirrord-no; (: >\"$d/.mirrord-doctor\"); fi";
}

/// Whether df(1) says so of blocks or inodes: 0 is available, or less, before a share that is used.
bool no_space_left(const std::string& answer) {
  static const std::regex none("[ \t](0|-[0-9]+)[ \t]+[0-9]+%");
  return std::regex_search(answer, none);
}

/// `who` is to write there.
void tell_writable(Report& report, const std::string& about, const std::string& path,
                   const std::string& who, const Ran& ran) {
  constexpr std::string_view kFile = "mirrord-file ";
  const std::string& answer = ran.result.output;
  const std::string place = escape(path);
  if (contains(answer, "mirrord-yes") && no_space_left(answer))
    return report.fault(about, fmt::format("'{}' cannot be written: no space left there", place),
                        "make room; df and df -i show how much there is");
  if (contains(answer, "mirrord-yes"))
    return report.good(about, fmt::format("'{}' can be written", place));
  if (const size_t at = answer.find(kFile); at != std::string::npos)
    return report.fault(about,
                        fmt::format("'{}' is a file", first_line(answer.substr(at + kFile.size()))),
                        "the target is to be a directory: move the file, or choose another path");
  if (!contains(answer, "mirrord-no"))
    return report.warning(about, fmt::format("whether '{}' can be written is not known", place),
                          "the target runs no command but rsync");
  const std::string error = last_line(ran.result.error);
  const std::string reason = escape(error.substr(std::min(error.rfind(": "), error.size())));
  report.fault(about, fmt::format("'{}' cannot be written by {}{}", place, who, reason),
               contains(reason, "Read-only file system")
                   ? "mount it anew, to be written: mount -o remount,rw"
                   : fmt::format("give it to {}, or choose another path", who));
}

// ---- the connection

Ran run_there(const User& user, const Target& target, const std::string& command) {
  return run_command(user, ssh_remote_command(target.ssh, target.destination, kNoMaster, command));
}

void tell_login(Report& report, const std::string& about, const Destination& to, const User& user,
                Duration took) {
  const std::string time = human_duration(static_cast<uint64_t>(took.count()));
  const std::string login = escape(to.login.empty() ? to.host : to.login + '@' + to.host);
  if (took > kSlowLogin)
    return report.warning(about, fmt::format("the login to {} takes {}", login, time),
                          "look at UseDNS in its sshd_config, and at its shell's start-up files");
  report.good(about,
              fmt::format("login to {} works, {} (ssh run by user '{}')", login, time, user.name));
}

/// A shell like nologin(8) answers every command with the same text; one that lets nothing but
/// rsync pass does so, too, but then there is an rsync.
bool is_no_shell(const Ran& one, const Ran& other, const Ran& transfer) {
  const std::string& answer = one.result.output;
  return !answer.empty() && answer == other.result.output && is_no_rsync(transfer);
}

void check_ssh_target(Report& report, const std::string& about, const Target& target,
                      const User& user, const Trust& trust, const std::function<Ran()>& tried) {
  constexpr int kSshFailed = 255;
  const std::string& program = target.rsync.remote_program;
  std::string version = (program.empty() ? "rsync" : program) + " --version";
  Ran ran = run_there(user, target, version);
  bool failed = !ran.in_time || ran.result.exit.status == kSshFailed || ran.result.exit.signal != 0;
  if (failed && is_unknown_host(ran) && trust.offered && trust_host_key(user, target)) {
    ran = run_there(user, target, version);
    failed = !ran.in_time || ran.result.exit.status == kSshFailed;
  }
  if (failed) return tell_login_failure(report, about, target, user, ran, trust.command);
  tell_login(report, about, target.destination, user, ran.duration);
  const std::string& path = target.destination.path;
  const Ran answer = run_there(user, target, "sh -c " + quote(writable_question(path)));
  const Ran transfer = tried();
  if (is_no_shell(ran, answer, transfer)) {
    const std::string words = first_line(answer.result.output.substr(0, kLongestAnswer));
    return report.fault(about,
                        fmt::format("the login has no usable shell; it answered: '{}'", words),
                        "give it one there, as with usermod -s /bin/sh LOGIN");
  }
  check_rsync_there(report, about, ran);
  tell_writable(report, about, path, "the login", answer);
  check_settings(report, about, transfer);
}

void check_local_target(Report& report, const std::string& about, const Target& target,
                        const User& user) {
  const std::string& path = target.destination.path;
  tell_writable(report, about, path, fmt::format("user '{}'", user.name),
                run_command(user, {"sh", "-c", writable_question(path)}));
}

}  // namespace

void check_target(Report& report, const Group& group, const Target& target, const User& user,
                  const Trust& trust) {
  std::string about = group.name + "/" + escape(target.name);
  const auto here = check_rsync_here(report, about, target, user);
  if (!here) return;
  const auto tried = [&] { return try_transfer(group, target, user, *here); };
  switch (target.destination.kind) {
    case Destination::Kind::ssh:
      return check_ssh_target(report, about, target, user, trust, tried);
    case Destination::Kind::local:
      check_local_target(report, about, target, user);
      return check_settings(report, about, tried());
    case Destination::Kind::rsync_daemon:
      return check_daemon_target(report, about, target, user, tried());
  }
}

}  // namespace mirrord
