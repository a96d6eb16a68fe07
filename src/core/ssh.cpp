#include "core/ssh.hpp"

#include <initializer_list>
#include <string_view>

namespace mirrord {

namespace {

using Arguments = std::vector<std::string>;

void append(Arguments& to, std::initializer_list<std::string> more) {
  to.insert(to.end(), more.begin(), more.end());
}

std::string seconds(Duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count());
}

void add_option(Arguments& argv, const std::string& word, const std::string& value) {
  append(argv, {"-o", word + '=' + value});
}

/// A value of one word as ssh takes it in quotes: without them it ends at blanks, "=" and "#",
/// ssh_config(5).
std::string one_word(const std::string& value) {
  constexpr std::string_view kEnds = " \t=#'";
  return value.find_first_of(kEnds) == std::string::npos ? value : '"' + value + '"';
}

void add_settings(Arguments& argv, const SshSettings& ssh) {
  if (!ssh.config_file.empty()) append(argv, {"-F", ssh.config_file});
  // The first value of a word wins, ssh_config(5): the user's own come first.
  for (const auto& [word, value] : ssh.options) add_option(argv, word, value);
  add_option(argv, "BatchMode", "yes");
  add_option(argv, "ConnectTimeout", seconds(ssh.connect_timeout));
  add_option(argv, "ServerAliveInterval", "15");
  add_option(argv, "ServerAliveCountMax", "3");
  add_option(argv, "ClearAllForwardings", "yes");
  add_option(argv, "StrictHostKeyChecking", ssh.strict_host_key_checking);
  if (!ssh.known_hosts_file.empty())
    add_option(argv, "UserKnownHostsFile", one_word(ssh.known_hosts_file));
  if (!ssh.identity_file.empty()) {
    add_option(argv, "IdentitiesOnly", "yes");
    append(argv, {"-i", ssh.identity_file});
  }
  if (ssh.port) append(argv, {"-p", std::to_string(*ssh.port)});
  append(argv, {"-T", "-x", "-a"});
}

void add_host(Arguments& argv, const Destination& to) {
  if (!to.login.empty()) append(argv, {"-l", to.login});
  append(argv, {"--", to.host});
}

}  // namespace

std::vector<std::string> ssh_command(const SshSettings& ssh, const std::string& control_path) {
  Arguments argv{ssh.program};
  if (!control_path.empty()) {
    add_option(argv, "ControlMaster", "no");
    add_option(argv, "ControlPath", control_path);
  }
  add_settings(argv, ssh);
  return argv;
}

std::vector<std::string> ssh_master_command(const SshSettings& ssh, const Destination& to,
                                            const std::string& control_path) {
  Arguments argv{ssh.program};
  add_option(argv, "ControlMaster", "yes");
  add_option(argv, "ControlPath", control_path);
  add_option(argv, "ControlPersist", "no");
  add_settings(argv, ssh);
  argv.push_back("-N");
  add_host(argv, to);
  return argv;
}

std::vector<std::string> ssh_remote_command(const SshSettings& ssh, const Destination& to,
                                            const std::string& control_path,
                                            const std::string& command) {
  Arguments argv = ssh_command(ssh, control_path);
  add_host(argv, to);
  argv.push_back(command);
  return argv;
}

std::string quote(const std::string& word) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string quoted = "'";
  for (char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + '\'';
}

std::string rsh_option(const std::vector<std::string>& argv) {
  std::string text;
  for (const std::string& argument : argv) {
    if (!text.empty()) text += ' ';
    if (!argument.empty() && argument.find_first_of(" '\"") == std::string::npos) {
      text += argument;
      continue;
    }
    text += '"';
    for (char c : argument) text += c == '"' ? std::string(2, c) : std::string(1, c);
    text += '"';
  }
  return text;
}

std::string connection_key(const std::string& user, const SshSettings& ssh, const Destination& to) {
  std::string key = user + '\0';
  for (const std::string& argument : ssh_master_command(ssh, to, "")) key += argument + '\0';
  return key;
}

}  // namespace mirrord
