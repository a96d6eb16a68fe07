#include "ctl/doctor_daemon.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <vector>

#include "core/escape.hpp"
#include "core/rsync.hpp"
#include "ctl/doctor_rsync.hpp"

namespace mirrord {

namespace {

namespace fs = std::filesystem;

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
  std::string module = escape(target.destination.module);
  if (!ran.in_time)
    return report.fault(about, "the rsync daemon does not answer", "look for a firewall");
  if (ran.complains("password file"))
    return report.fault(about, ran.complaint(),
                        "the user of the group must own it, and nobody else may read it");
  if (ran.complains("auth failed")) return tell_refused_password(report, about, target);
  if (ran.complains("Unknown module"))
    return report.fault(about, fmt::format("the rsync daemon has no module '{}'", module),
                        "name one of its rsyncd.conf");
  if (ran.complains("module is read only"))
    return report.fault(about, fmt::format("module '{}' is read only", module),
                        "set 'read only = no' in its rsyncd.conf");
  if (ran.complains("@ERROR"))
    return report.fault(about, "the rsync daemon refuses: " + ran.complaint(),
                        "its own log says more");
  if (tell_refused_settings(report, about, ran)) return;
  report.fault(about, "no rsync daemon answers: " + ran.complaint(),
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
  const Ran ran = run_command(user, argv);
  return ran.complains("No such file or directory") ? parent.path : "";
}

}  // namespace

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

}  // namespace mirrord
