#include "daemon/probe.hpp"

#include <fmt/format.h>

#include <system_error>

#include "core/config_values.hpp"
#include "core/rsync_result.hpp"
#include "core/ssh.hpp"
#include "daemon/child_command.hpp"

namespace mirrord {

namespace {

// ssh(1) EXIT STATUS, and what POSIX shells say of a program that is not there.
constexpr int kSshFailed = 255;
constexpr int kNotExecutable = 126;
constexpr int kNotFound = 127;
constexpr int kTimeout = 30;  // rsync(1) EXIT VALUES

/// `timeout = "0"` is for transfers that stand still for long; a question is answered or not.
constexpr Duration kPatienceWithoutTimeout = std::chrono::minutes(1);

constexpr const char* kAskVersion = "asked for rsync's version";
constexpr const char* kMakePath = "told to make the directory";

}  // namespace

Probe::Probe(Loop& loop, const Group& group, const Target& target, std::string control_path,
             Done done)
    : loop_(loop),
      group_(group),
      target_(target),
      control_path_(std::move(control_path)),
      done_(std::move(done)),
      patience_(loop.timer([this] { process_->kill(); })) {
  start({target_.rsync.program, "--version"}, kAskVersion, &Probe::heard_here);
}

void Probe::start(std::vector<std::string> argv, const char* purpose, Step next) {
  Duration patience = target_.rsync.timeout;
  if (patience.count() == 0) patience = kPatienceWithoutTimeout;
  deadline_ = loop_.now() + patience;
  loop_.arm(patience_, deadline_);
  process_ = std::make_unique<Process>(
      loop_, child_command(group_, std::move(argv)),
      [this, purpose, next, patience](const ProcessResult& result) {
        if (result.exit.signal != 0 && loop_.now() >= deadline_)
          return fail(
              fmt::format("no answer within {} when {}", format_duration(patience), purpose),
              kTimeout);
        (this->*next)(result);
      });
}

std::string Probe::undone(Instant now) const {
  std::string what = process_->undone(now, deadline_);
  return what.empty() ? ""
                      : fmt::format("the probe {} of {}/{} {}", process_->pid(), group_.name,
                                    target_.name, what);
}

/// A program that cannot be started is an answer, too.
void Probe::run(std::vector<std::string> argv, const char* purpose, Step next) {
  try {
    start(std::move(argv), purpose, next);
  } catch (const std::system_error& e) {
    fail(e.what(), kNotFound);
  }
}

void Probe::heard_here(const ProcessResult& result) {
  // One that was killed knows no less than another: to go on without its version would be for good.
  const int status = result.exit.signal != 0 ? 128 + result.exit.signal : result.exit.status;
  if (status != 0)
    return fail(fmt::format("'{} --version' ends with status {} on this host",
                            target_.rsync.program, status),
                status);
  result_.can.here = parse_rsync_version(result.output);
  switch (target_.destination.kind) {
    case Destination::Kind::local:
      result_.can.there = result_.can.here;
      return make_path();
    case Destination::Kind::rsync_daemon:
      result_.can.is_daemon = true;
      return finish();
    case Destination::Kind::ssh:
      break;
  }
  const std::string& program = target_.rsync.remote_program;
  run(ssh_remote_command(target_.ssh, target_.destination, control_path_,
                         (program.empty() ? "rsync" : program) + " --version"),
      kAskVersion, &Probe::heard_there);
}

void Probe::heard_there(const ProcessResult& result) {
  int status = result.exit.status;
  if (result.exit.signal != 0 || status == kSshFailed) {
    result_.outcome = connection_failure(result.error);
    return finish();
  }
  if (status == kNotFound || status == kNotExecutable)
    return fail("there is no rsync on the target; install it, or set 'remote_program' in [.rsync]",
                status);
  if (is_noisy(result.output))
    return fail(
        "the login shell on the target prints text of its own, which rsync's protocol "
        "cannot bear; silence it for non-interactive logins",
        status);
  result_.can.there = parse_rsync_version(result.output);
  make_path();
}

void Probe::make_path() {
  // The last component is rsync's own to make, what is above it only with --mkpath.
  if (result_.can.makes_path() || target_.destination.path.find('/', 1) == std::string::npos)
    return finish();
  const std::string& path = target_.destination.path;
  if (target_.destination.kind == Destination::Kind::local)
    return run({"mkdir", "-p", "--", path}, kMakePath, &Probe::made_path);
  run(ssh_remote_command(target_.ssh, target_.destination, control_path_,
                         "mkdir -p -- " + quote(path)),
      kMakePath, &Probe::made_path);
}

void Probe::made_path(const ProcessResult&) {
  // If it could not be made, or if a forced command forbids it, rsync itself says so.
  finish();
}

void Probe::fail(const std::string& text, int exit_status) {
  result_.outcome.text = text;
  result_.outcome.exit_status = exit_status;
  finish();
}

void Probe::finish() {
  if (result_.outcome.text.empty()) result_.outcome.verdict = Verdict::done;
  Done done = std::move(done_);
  done(result_);  // may destroy this object
}

}  // namespace mirrord
