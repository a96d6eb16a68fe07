#include "e2e/transfer_lab.hpp"

#include <signal.h>

#include <algorithm>
#include <sstream>

namespace mirrord::test {
namespace {

/// proc(5) /proc/PID/cmdline, with spaces between the arguments.
std::string command_line(pid_t pid) {
  std::string text = read_file("/proc/" + std::to_string(pid) + "/cmdline");
  std::ranges::replace(text, '\0', ' ');
  return text;
}

}  // namespace

size_t count(const std::string& text, const std::string& word) {
  size_t found = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
  return found;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

SshServer& TransferLab::server_with(const std::string& host, const std::string& settings,
                                    SshHost where) {
  servers[host] = std::make_unique<SshServer>(dir / ("sshd." + host), settings, std::move(where));
  return *servers[host];
}

std::string TransferLab::target_on(const std::string& host, const std::string& name,
                                   const std::string& settings) {
  const SshServer& sshd = server(host);
  return filled(
      R"({ to = "@LOGIN@@@ADDRESS@:@COPY@", name = "@NAME@", @SETTINGS@)"
      R"(ssh = { port = @PORT@, identity_file = "@KEY@", known_hosts_file = "@HOSTS@" } })",
      {{"LOGIN", login()},
       {"ADDRESS", sshd.address()},
       {"COPY", copy(name)},
       {"NAME", name},
       {"SETTINGS", settings.empty() ? "" : settings + ", "},
       {"PORT", std::to_string(sshd.port())},
       {"KEY", sshd.identity_file()},
       {"HOSTS", sshd.known_hosts_file()}});
}

fs::path TransferLab::stand_in(const std::string& name, const std::string& before) const {
  write_script(dir / name, filled(R"(#!/bin/bash
@BEFORE@
[[ $1 == --version ]] || printf '%s\n' "${*//$'\n'/ }" >>@HERE@/@NAME@.runs
exec rsync "$@"
)",
                                  {{"BEFORE", filled(before, {{"HERE", dir.path()}})},
                                   {"HERE", dir.path()},
                                   {"NAME", name}}));
  return dir / name;
}

std::string TransferLab::noting_rsync(const std::string& before) const {
  return "rsync = { program = \"" + stand_in("rsync-here", before).native() + "\" }\n";
}

std::vector<std::string> TransferLab::runs(const std::string& name) const {
  std::istringstream text(read_file(dir / (name + ".runs")));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

std::vector<pid_t> TransferLab::children(const std::string& text) const {
  const std::string pid = std::to_string(daemon->pid());
  std::istringstream list(read_file("/proc/" + pid + "/task/" + pid + "/children"));
  std::vector<pid_t> found;
  for (pid_t child = 0; list >> child;)
    if (contains(command_line(child), text)) found.push_back(child);
  return found;
}

pid_t TransferLab::standby(const std::string& target) {
  const std::string to = copy(target).native() + "/ ";
  std::vector<pid_t> waiting;
  const bool one_waits =
      target_becomes(target, "idle") && wait_until([&] {
        waiting = children(to);
        return waiting.size() == 1 && contains(command_line(waiting.front()), "--files-from=-");
      });
  if (!one_waits) throw std::runtime_error(target + " has no standby");
  return waiting.front();
}

bool TransferLab::standby_is_renewed(const std::string& target, pid_t before) {
  return wait_until([&] { return standby(target) != before; });
}

bool TransferLab::all_end(const std::vector<pid_t>& pids) const {
  return wait_until([&] { return std::ranges::none_of(pids, process_exists); });
}

Finished TransferLab::mirrorctl(Arguments arguments) {
  arguments.insert(arguments.begin(), {"--bus", bus().address()});
  return run_mirrorctl(arguments);
}

std::string TransferLab::last_error(const std::string& target, const std::string& group) {
  return client().text(target_object(group, target), "LastError");
}

int64_t TransferLab::number(const std::string& target, const std::string& property) {
  return client().number(target_object("web", target), property);
}

testing::AssertionResult TransferLab::error_names(const std::string& target,
                                                  const std::string& words) {
  if (wait_until([&] { return contains(last_error(target), words); }))
    return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << target << ": '" << last_error(target) << "' does not say '" << words << "'";
}

bool TransferLab::signal_reload() {
  const size_t before = logged("configuration reloaded");
  daemon->signal(SIGHUP);
  return wait_until([&] { return logged("configuration reloaded") > before; });
}

}  // namespace mirrord::test
