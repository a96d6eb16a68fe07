#include "ctl/doctor_rsync.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <vector>

#include "core/escape.hpp"
#include "core/rsync.hpp"
#include "core/ssh.hpp"

namespace mirrord {

namespace {

constexpr RsyncVersion kLeastRsync{3, 1, 0};

std::string version_text(const RsyncVersion& version) {
  return fmt::format("rsync {}.{}.{}", version.major, version.minor, version.patch);
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

}  // namespace

std::optional<RsyncVersion> check_rsync_here(Report& report, const std::string& about,
                                             const Target& target, const User& user) {
  Ran ran = run_command(user, {target.rsync.program, "--version"});
  auto version = parse_rsync_version(ran.result.output);
  if (!version)
    report.fault(about, fmt::format("'{}' on this host is no rsync", escape(target.rsync.program)),
                 "");
  else if (*version < kLeastRsync)
    report.warning(about, version_text(*version) + " on this host is old",
                   "with 3.1 or newer a transfer can wait ready for the next change");
  return version;
}

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
  return run_command(user, argv);
}

bool is_no_rsync(const Ran& tried) { return tried.complains("is your shell clean?"); }

bool tell_refused_settings(Report& report, const std::string& about, const Ran& tried) {
  const std::string refusal = refusal_of_settings(tried);
  if (refusal.empty()) return false;
  report.fault(about, "rsync refuses its settings: " + refusal, "mend [.rsync], see rsync(1)");
  return true;
}

void check_settings(Report& report, const std::string& about, const Ran& tried) {
  if (tell_refused_settings(report, about, tried)) return;
  if (tried.succeeded()) return report.good(about, "rsync takes its settings");
  if (is_no_rsync(tried))
    return report.fault(about, "what answers there is no rsync: " + tried.complaint(),
                        "give the login a shell, and keep that from printing anything");
  // The other side may have refused: rsync can end its ssh before that has told.
  report.warning(about, "a transfer that is only tried fails: " + tried.complaint(),
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

}  // namespace mirrord
