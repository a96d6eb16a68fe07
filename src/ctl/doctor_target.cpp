#include "ctl/doctor_target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <regex>
#include <sstream>
#include <string_view>

#include "core/capabilities.hpp"
#include "core/escape.hpp"
#include "core/lines.hpp"
#include "core/rsync.hpp"
#include "core/ssh.hpp"
#include "core/status_text.hpp"
#include "ctl/host_keys.hpp"
#include "ctl/login_failure.hpp"
#include "ctl/run_command.hpp"

namespace mirrord {

namespace {

namespace fs = std::filesystem;

constexpr auto kPatience = std::chrono::minutes(1);
constexpr auto kSlowLogin = std::chrono::seconds(2);
constexpr size_t kLongestAnswer = 100;  // of what is no rsync, as far as it is told
constexpr RsyncVersion kLeastRsync{3, 1, 0};

std::string version_text(const RsyncVersion& version) {
  return fmt::format("rsync {}.{}.{}", version.major, version.minor, version.patch);
}

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

std::string first_line(const std::string& text) { return escape(text.substr(0, text.find('\n'))); }

// ---- rsync

/// Nothing when there is none.
std::optional<RsyncVersion> check_rsync_here(Report& report, const std::string& about,
                                             const Target& target, const User& user) {
  Ran ran = run_command(user, {target.rsync.program, "--version"}, kPatience);
  auto version = parse_rsync_version(ran.result.output);
  if (!version)
    report.fault(about, fmt::format("'{}' on this host is no rsync", escape(target.rsync.program)),
                 "");
  else if (*version < kLeastRsync)
    report.warning(about, version_text(*version) + " on this host is old",
                   "with 3.1 or newer a transfer can wait ready for the next change");
  return version;
}

/// A transfer of nothing, and only as a try, with all settings: it gets as far as the first file
/// would. To the module itself: what is below it a dry run does not make, but a transfer does.
Ran try_transfer(const Group& group, const Target& target, const User& user,
                 const RsyncVersion& here) {
  Group from = group;
  from.source = "/";
  Target to = target;
  if (to.destination.kind == Destination::Kind::rsync_daemon) to.destination.path.clear();
  Transfer transfer;
  transfer.lane = Lane::attributes;
  transfer.can.here = here;
  transfer.can.refused = {Feature::missing_args};  // there, perhaps: which is no fault of a setting
  transfer.control_path = kNoMaster;
  auto argv = rsync_command(from, to, transfer);
  // Before the paths, so that they come after the options of the user: of two, the last one holds.
  const std::vector<std::string> as_a_try{"-n", "--log-file=/dev/null"};
  argv.insert(std::ranges::find(argv, "--"), as_a_try.begin(), as_a_try.end());
  // An empty password keeps rsync from asking the terminal for one.
  argv.insert(argv.begin(), {"env", "RSYNC_PASSWORD="});
  return run_command(user, argv, kPatience);
}

/// The reason in rsync's own words, which come before the names of the exit codes RERR_SYNTAX and
/// RERR_UNSUPPORTED, log.c; "" = not refused. Of either side: the code of this one may be another.
std::string refusal_of_settings(const Ran& ran) {
  std::istringstream error(ran.result.error);
  std::string before;
  for (std::string line; std::getline(error, line); before = line)
    if (line.starts_with("rsync error: syntax or usage error") ||
        line.starts_with("rsync error: requested action not supported"))
      return escape(before.empty() ? line : before);
  return "";
}

/// compat.c, in the words that its users know.
bool is_no_rsync(const Ran& tried) { return contains(tried.result.error, "is your shell clean?"); }

void tell_refused_settings(Report& report, const std::string& about, const std::string& refusal) {
  report.fault(about, "rsync refuses its settings: " + refusal, "mend [.rsync], see rsync(1)");
}

void check_settings(Report& report, const std::string& about, const Ran& tried) {
  const std::string refusal = refusal_of_settings(tried);
  if (!refusal.empty()) return tell_refused_settings(report, about, refusal);
  if (tried.succeeded()) return report.good(about, "rsync takes its settings");
  if (is_no_rsync(tried))
    return report.fault(about, "what answers there is no rsync: " + first_line(tried.result.error),
                        "give the login a shell, and keep that from printing anything");
  // The other side may have refused: rsync can end its ssh before that has told.
  report.warning(about, "a transfer that is only tried fails: " + first_line(tried.result.error),
                 "if nothing else is wrong, does the rsync there take all of [.rsync]?");
}

void check_rsync_there(Report& report, const std::string& about, const Ran& ran) {
  constexpr int kNotExecutable = 126, kNotFound = 127;
  int status = ran.result.exit.status;
  if (status == kNotFound || status == kNotExecutable)
    return report.fault(about, "there is no rsync on the target",
                        "install it, or set 'remote_program' in [.rsync]");
  if (is_noisy(ran.result.output))
    return report.fault(about, "the login shell on the target prints text of its own",
                        "silence it for non-interactive logins: 'ssh LOGIN@HOST true' must print "
                        "nothing");
  auto version = parse_rsync_version(ran.result.output);
  if (!version)
    return report.warning(about, "rsync on the target does not tell its version",
                          "a forced command such as rrsync may forbid it");
  if (*version < kLeastRsync)
    return report.warning(about, version_text(*version) + " on the target is old",
                          "with 3.1 or newer deletions cost less");
  report.good(about, version_text(*version) + " on the target");
}

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
  return run_command(user, ssh_remote_command(target.ssh, target.destination, kNoMaster, command),
                     kPatience);
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
                run_command(user, {"sh", "-c", writable_question(path)}, kPatience));
}

// ---- an rsync daemon

void tell_refused_password(Report& report, const std::string& about, const Target& target) {
  const std::string refused =
      fmt::format("module '{}' refuses the login", escape(target.destination.module));
  const std::string& file = target.rsync.password_file;
  if (file.empty() || target.destination.login.empty())
    return report.fault(about, refused,
                        "set 'password_file' in [.rsync], and LOGIN@ in the destination");
  report.fault(about,
               fmt::format("{}: the password in '{}', or the login '{}', is not accepted", refused,
                           escape(file), escape(target.destination.login)),
               "compare them with 'auth users' and 'secrets file' in its rsyncd.conf");
}

/// In words of rsync's own: clientserver.c, authenticate.c and main.c.
void tell_daemon_failure(Report& report, const std::string& about, const Target& target,
                         const Ran& ran) {
  const std::string& error = ran.result.error;
  std::string module = escape(target.destination.module);
  if (!ran.in_time)
    return report.fault(about, "the rsync daemon does not answer", "look for a firewall");
  if (contains(error, "password file"))
    return report.fault(about, first_line(error),
                        "the user of the group must own it, and nobody else may read it");
  if (contains(error, "auth failed")) return tell_refused_password(report, about, target);
  if (contains(error, "Unknown module"))
    return report.fault(about, fmt::format("the rsync daemon has no module '{}'", module),
                        "name one of its rsyncd.conf");
  if (contains(error, "module is read only"))
    return report.fault(about, fmt::format("module '{}' is read only", module),
                        "set 'read only = no' in its rsyncd.conf");
  if (contains(error, "@ERROR"))
    return report.fault(about, "the rsync daemon refuses: " + first_line(error),
                        "its own log says more");
  if (const std::string refusal = refusal_of_settings(ran); !refusal.empty())
    return tell_refused_settings(report, about, refusal);
  report.fault(about, "no rsync daemon answers: " + first_line(error),
               "start it there, and open its port");
}

/// The directory that the destination is in, if it is not there: rsync makes only the last one.
/// "" = it is, or the daemon does not show it.
std::string missing_parent(const Target& target, const User& user) {
  Destination parent = target.destination;
  while (parent.path.ends_with('/')) parent.path.pop_back();
  parent.path = fs::path(parent.path).parent_path();
  if (parent.path.empty()) return "";
  std::vector<std::string> argv{"env",         "RSYNC_PASSWORD=", target.rsync.program,
                                "--list-only", "--dirs",          "--exclude=*"};
  if (!target.rsync.password_file.empty())
    argv.push_back("--password-file=" + target.rsync.password_file);
  argv.insert(argv.end(), {"--", rsync_destination(parent)});
  const Ran ran = run_command(user, argv, kPatience);
  return contains(ran.result.error, "No such file or directory") ? parent.path : "";
}

void check_daemon_target(Report& report, const std::string& about, const Target& target,
                         const User& user, const Ran& tried) {
  if (!tried.succeeded()) return tell_daemon_failure(report, about, target, tried);
  const std::string module = escape(target.destination.module);
  if (const std::string missing = missing_parent(target, user); !missing.empty())
    return report.fault(
        about, fmt::format("there is no directory '{}' in module '{}'", escape(missing), module),
        "make it there: rsync makes only the last one of a destination");
  report.good(about, fmt::format("module '{}' takes uploads", module));
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
