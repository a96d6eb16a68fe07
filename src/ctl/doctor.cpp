// mirrorctl doctor: the configuration is read and tried out here, with the users, the programs and
// the connections that the daemon would use. Nothing is changed.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/escape.hpp"
#include "core/ssh.hpp"
#include "core/status_text.hpp"
#include "ctl/doctor_source.hpp"
#include "ctl/doctor_target.hpp"
#include "ctl/run_command.hpp"
#include "ctl/service_view.hpp"
#include "ctl/verbs.hpp"
#include "io/config_dir.hpp"
#include "io/inotify.hpp"

namespace mirrord {

namespace {

// ---- the daemon and the kernel

/// Groups on one source share its watches.
uint64_t watches_of_all(const Status& status) {
  std::map<std::string, uint64_t> of_source;
  for (const GroupStatus& group : status.groups) {
    uint64_t& most = of_source[group.resolved_source];
    most = std::max<uint64_t>(most, group.watched_directories);
  }
  uint64_t sum = 0;
  for (const auto& [source, watches] : of_source) sum += watches;
  return sum;
}

/// `in_all`: so many directories are watched for all groups.
void check_watches(Report& report, const GroupStatus& group, uint64_t in_all,
                   const InotifyLimit& limit) {
  switch (group.state) {
    case GroupState::degraded:
      return report.fault(group.name, group.problem, "");
    case GroupState::source_missing:
      return report.fault(group.name, "the daemon cannot see the source: " + group.problem, "");
    case GroupState::crawling:
    case GroupState::watching:
      break;
  }
  std::string count = "watched directories: " + human_number(group.watched_directories);
  if (in_all != group.watched_directories) count += ", in all groups " + human_number(in_all);
  count += ", the limit is " + human_number(limit.value);
  if (in_all > limit.value / 5 * 4)
    return report.warning(group.name, count, "raise it: " + command_raising(limit, 0));
  report.good(group.name, count);
}

bool is_selected(const Selection& selection, const std::string& group) {
  return selection.group.empty() || selection.group == group;
}

bool is_selected(const Selection& selection, const Target& target) {
  return selection.target.empty() || selection.target == target.name;
}

std::string name_of(const Group& group, const Target& target) {
  return group.name + "/" + escape(target.name);
}

/// What has failed for the daemon may work for us, and the other way round.
void check_transfers(Report& report, const Group& group, const Status& status,
                     const Selection& selection) {
  for (const Target& target : group.targets) {
    if (!is_selected(selection, target)) continue;
    const TargetStatus* known = status.target(group.name, escape(target.name));
    if (known && !known->last_error.empty())
      report.warning(name_of(group, target), "the daemon says: " + known->last_error, "");
  }
}

/// With what it sees of the file systems, where that is not what we see.
std::optional<ServiceView> check_daemon(Report& report, const BusClient::Address& address,
                                        const Config& config, const Selection& selection) {
  try {
    BusClient bus(address);
    Status status = read_status(bus);
    const InotifyLimit limit = limit_behind(ENOSPC);
    const uint64_t in_all = watches_of_all(status);
    for (const Group& group : config.groups) {
      if (!is_selected(selection, group.name)) continue;
      if (const GroupStatus* known = status.group(group.name))
        check_watches(report, *known, in_all, limit);
      else
        report.warning(group.name, "the daemon does not know it yet", "systemctl reload mirrord");
      check_transfers(report, group, status, selection);
    }
    const std::optional<pid_t> pid = bus.daemon_pid();
    return pid ? ServiceView::of(*pid) : std::nullopt;
  } catch (const Failure& e) {
    report.warning("daemon", e.what(), "what it sees is not checked");
    return std::nullopt;
  }
}

// ---- what the service's unit lets it see

void check_view_of_target(Report& report, const std::string& about, const Target& target,
                          const ServiceView& service) {
  const std::string& path = target.destination.path;
  if (target.destination.kind != Destination::Kind::local) return;
  if (service.is_read_only(path))
    return report.fault(about,
                        fmt::format("'{}' is read-only for the service, by its unit", escape(path)),
                        "systemctl edit mirrord; see mirrord(8), LOCAL TARGETS");
  if (service.differs(path))
    report.fault(
        about,
        fmt::format("the service sees another file system at '{}' than this host", escape(path)),
        "systemctl restart mirrord; see mirrord(8), LOCAL TARGETS");
}

/// "accept-new" is as good as "no" where ssh cannot write down what it has accepted.
void check_known_hosts(Report& report, const std::string& about, const Target& target,
                       const User& user, const ServiceView& service) {
  if (target.destination.kind != Destination::Kind::ssh) return;
  if (target.ssh.strict_host_key_checking == "yes") return;
  const std::string& file = target.ssh.known_hosts_file;
  const std::string place = file.empty() ? user.home + "/.ssh" : file;
  if (!service.is_read_only(place)) return;
  report.warning(about,
                 fmt::format("'{}' is read-only for the service, by its unit: host keys that ssh "
                             "accepts are forgotten",
                             escape(place)),
                 "accept them by 'mirrorctl doctor --trust', and set 'strict_host_key_checking' to "
                 "\"yes\"");
}

void check_view(Report& report, const Group& group, const Selection& selection,
                const ServiceView& service) {
  if (service.differs(group.source))
    report.fault(group.name,
                 fmt::format("the service sees another directory at '{}' than this host",
                             escape(group.source)),
                 "systemctl restart mirrord");
  for (const Target& target : group.targets) {
    if (!is_selected(selection, target)) continue;
    const std::string about = name_of(group, target);
    check_view_of_target(report, about, target, service);
    check_known_hosts(report, about, target, group.runs_as, service);
  }
}

// ---- the hook

void check_hook(Report& report, const Group& group, const User& user) {
  if (group.hooks.after_sync.empty()) return;
  const std::string& program = group.hooks.after_sync.front();
  const Ran ran = run_command(user, {"test", "-f", program, "-a", "-x", program});
  const std::string hook = fmt::format("hook '{}'", escape(program));
  if (ran.succeeded()) return report.good(group.name, hook + " can be run");
  report.fault(group.name, fmt::format("{} cannot be run by user '{}'", hook, user.name),
               "is it there, and executable?");
}

// ---- all of it

/// What cannot even be tried is a fault of its own.
void attempt(Report& report, const std::string& about, const std::function<void()>& check) {
  try {
    check();
  } catch (const std::system_error& e) {
    report.fault(about, e.what(), "");
  }
}

void check_group(Report& report, const Group& group, const Selection& selection,
                 const Trust& trust) {
  const User& user = group.runs_as;
  std::vector<FollowedLink> links;
  if (check_source(report, group, user)) links = check_links(report, group, user);
  attempt(report, group.name, [&] { check_hook(report, group, user); });
  for (const Target& target : group.targets) {
    if (!is_selected(selection, target)) continue;
    const std::string about = name_of(group, target);
    check_for_loop(report, about, group, target, links);
    attempt(report, about, [&] { check_target(report, group, target, user, trust); });
  }
}

Config load(Report& report, const std::string& directory) {
  ParsedConfig parsed = load_config(directory);
  for (const Diagnostic& one : parsed.diagnostics)
    if (one.severity == Severity::problem)
      report.fault("configuration", one.text(), "");
    else
      report.warning("configuration", one.text(), "");
  if (!parsed.ok()) throw Failure(Exit::failed, "the configuration cannot be used");
  return *parsed.config;
}

/// As it was given, but for what is selected.
std::string trusting_command(const BusClient::Address& address, const DoctorOptions& options) {
  std::string command = "mirrorctl";
  if (address.bus != BusClient::Address().bus) command += " --bus " + quote(address.bus);
  command += " doctor --trust";
  if (options.config_directory != kConfigDirectory)
    command += " --config-dir " + quote(options.config_directory);
  return command;
}

bool may_become(const User& user) { return ::geteuid() == 0 || ::geteuid() == user.uid; }

void find_selected(const Config& config, const Selection& selection) {
  if (selection.group.empty()) return;
  const Group* group = config.find(selection.group);
  if (!group) throw Failure(Exit::failed, "No such group '" + selection.group + "'");
  auto named = [&](const Target& target) { return target.name == selection.target; };
  if (!selection.target.empty() && std::ranges::none_of(group->targets, named))
    throw Failure(Exit::failed, "No such target '" + selection.target + "'");
}

}  // namespace

Exit doctor(const BusClient::Address& address, const Selection& selection,
            const DoctorOptions& options) {
  Report report(options.json ? Report::Style::json : Report::Style::lines);
  Config config = load(report, options.config_directory);
  find_selected(config, selection);
  const std::optional<ServiceView> service = check_daemon(report, address, config, selection);
  const Trust trust{options.trust, trusting_command(address, options)};
  for (const Group& group : config.groups) {
    if (!is_selected(selection, group.name)) continue;
    if (!may_become(group.runs_as)) {
      report.warning(group.name,
                     fmt::format("is not looked at: it runs as user '{}'", group.runs_as.name),
                     "try it as root");
      continue;
    }
    check_group(report, group, selection, trust);
    if (service) check_view(report, group, selection, *service);
  }
  return report.finish() ? Exit::ok : Exit::failed;
}

}  // namespace mirrord
