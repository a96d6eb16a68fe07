#include "core/rsync.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace mirrord {

namespace {

using Arguments = std::vector<std::string>;

void append(Arguments& to, std::initializer_list<std::string> more) {
  to.insert(to.end(), more.begin(), more.end());
}

int64_t seconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

/// Whether this run may delete, by the four modes of `delete =`.
bool deletes(const Group& group, const Transfer& transfer) {
  if (!transfer.may_delete) return false;
  switch (group.delete_mode) {
    case DeleteMode::always:
      return true;
    case DeleteMode::never:
      return false;
    case DeleteMode::startup:
      return transfer.lane == Lane::full;
    case DeleteMode::running:
      return transfer.lane != Lane::full;
  }
  return false;
}

void add_lane(Arguments& argv, const Group& group, const Transfer& transfer) {
  bool removes = deletes(group, transfer);
  // A directory must make way for a file of its name also where nothing else is deleted.
  if (transfer.may_delete) argv.push_back("--force");
  if (transfer.lane == Lane::full) {
    argv.push_back("-r");
    if (transfer.by_checksum) argv.push_back("-c");
    if (removes) argv.push_back("--delete");
    return;
  }
  append(argv, {"--files-from=-", "--from0"});
  argv.push_back(removes ? "--delete-missing-args" : "--ignore-missing-args");
  if (transfer.lane == Lane::tree) argv.push_back("-r");
  if (removes && transfer.lane != Lane::data && transfer.lane != Lane::attributes)
    argv.push_back("--delete");
  // The quick check of size and whole seconds would skip a file that was rewritten with the same
  // size within the second of its last transfer.
  if (transfer.lane == Lane::tree || transfer.lane == Lane::data) argv.push_back("-I");
}

void add_settings(Arguments& argv, const RsyncSettings& rsync) {
  if (rsync.compress) argv.push_back("-z");
  if (rsync.acls) argv.push_back("-A");
  if (rsync.xattrs) argv.push_back("-X");
  if (rsync.hard_links) argv.push_back("-H");
  if (rsync.numeric_ids) argv.push_back("--numeric-ids");
  if (rsync.checksum) argv.push_back("-c");
  if (rsync.inplace) argv.push_back("--inplace");
  if (rsync.sparse) argv.push_back("-S");
  if (!rsync.chmod.empty()) argv.push_back("--chmod=" + rsync.chmod);
  if (!rsync.chown.empty()) argv.push_back("--chown=" + rsync.chown);
  if (!rsync.remote_program.empty()) argv.push_back("--rsync-path=" + rsync.remote_program);
  // rsync counts the limit in KiB a second; less than one would mean none.
  if (rsync.bandwidth_limit != 0)
    argv.push_back(
        fmt::format("--bwlimit={}", std::max<uint64_t>(1, rsync.bandwidth_limit / 1024)));
  if (rsync.timeout.count() != 0)
    argv.push_back(fmt::format("--timeout={}", seconds(rsync.timeout)));
  argv.insert(argv.end(), rsync.options.begin(), rsync.options.end());
}

/// rsync before 3.2.4 gives the remote path to a shell unless -s protects it.
bool needs_protection(const std::string& path) {
  return path.find_first_of(" \t\n\\'\"`$&;|<>()*?[]!#~{}") != std::string::npos;
}

std::string destination(const Destination& to) {
  // A trailing slash makes rsync create the directory itself and never a file of that name.
  std::string path = to.path.ends_with('/') ? to.path : to.path + '/';
  if (to.kind == Destination::Kind::local) return path;
  std::string host = to.host.find(':') == std::string::npos ? to.host : '[' + to.host + ']';
  return (to.login.empty() ? "" : to.login + '@') + host + ':' + path;
}

constexpr const char* kNoConnection = "ssh could not connect or was cut off";

struct Meaning {
  int status;
  Verdict verdict;
  const char* words;
};

// rsync(1) EXIT VALUES. What is not here is a failure "for an unknown reason".
constexpr Meaning kMeanings[] = {
    {0, Verdict::done, ""},
    {1, Verdict::failed, "syntax or usage error; is an option unknown to one side?"},
    {2, Verdict::failed, "the two sides do not understand each other"},
    {3, Verdict::failed, "errors selecting input or output files or directories"},
    {4, Verdict::failed, "the requested action is not supported"},
    {5, Verdict::failed, "error starting the client-server protocol"},
    {6, Verdict::failed, "the daemon cannot write to its log file"},
    {10, Verdict::failed, "error in socket input or output"},
    {11, Verdict::failed, "error in file input or output; is the target full?"},
    {12, Verdict::failed, "error in the protocol data stream; is rsync installed on the target?"},
    {13, Verdict::failed, "errors with program diagnostics"},
    {14, Verdict::failed, "error in inter-process communication"},
    {20, Verdict::failed, "killed by a signal"},
    {21, Verdict::failed, "waitpid() failed"},
    {22, Verdict::failed, "out of memory"},
    {23, Verdict::partial, "some files could not be transferred"},
    {24, Verdict::again, "some files vanished before they could be transferred"},
    {25, Verdict::partial, "the deletion limit stopped deletions"},
    {30, Verdict::failed, "timeout while sending or receiving data"},
    {35, Verdict::failed, "timeout waiting for the daemon to connect"},
    {126, Verdict::failed, "the program could not be run"},
    {127, Verdict::failed, "the program was not found"},
    {255, Verdict::failed, kNoConnection},
};

/// The line of rsync's or ssh's complaint that says most: the first that is no mere summary.
std::string first_complaint(const std::string& error) {
  for (size_t start = 0; start < error.size();) {
    size_t end = std::min(error.find('\n', start), error.size());
    std::string line = error.substr(start, end - start);
    start = end + 1;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty() && !line.starts_with("rsync error:")) return line;
  }
  return "";
}

std::optional<uint64_t> number_after(const std::string& text, const std::string& label) {
  size_t at = text.find(label);
  if (at == std::string::npos) return std::nullopt;
  uint64_t value = 0;
  const char* first = text.data() + at + label.size();
  auto [end, error] = std::from_chars(first, text.data() + text.size(), value);
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

}  // namespace

Lane lane_of(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::attributes:
      return Lane::attributes;
    case ChangeKind::data:
      return Lane::data;
    case ChangeKind::children:
      return Lane::children;
    case ChangeKind::tree:
      return Lane::tree;
  }
  return Lane::full;
}

Depth depth_of(Lane lane) {
  if (lane == Lane::tree) return Depth::tree;
  return lane == Lane::children ? Depth::children : Depth::entry;
}

std::vector<std::string> rsync_command(const Group& group, const Target& target,
                                       const Transfer& transfer) {
  // -a without its -r: only some lanes recurse.
  Arguments argv{target.rsync.program, "-lptgoD", "--stats", "--no-h"};
  if (group.symlinks == Symlinks::follow) argv.push_back("-L");
  if (group.symlinks == Symlinks::follow_external) argv.push_back("--copy-unsafe-links");
  add_lane(argv, group, transfer);
  add_settings(argv, target.rsync);
  for (const std::string& path : transfer.hidden)
    argv.push_back("--filter=H " + exact_pattern(path));
  for (const std::string& path : transfer.unreadable)
    argv.push_back("--filter=- " + exact_pattern(path));
  if (target.destination.kind == Destination::Kind::ssh) {
    append(argv, {"-e", rsh_option(ssh_command(target.ssh))});
    if (needs_protection(target.destination.path)) argv.push_back("-s");
  }
  argv.push_back("--");
  argv.push_back(group.source.ends_with('/') ? group.source : group.source + '/');
  argv.push_back(destination(target.destination));
  return argv;
}

std::vector<std::string> ssh_command(const SshSettings& ssh) {
  Arguments argv{ssh.program};
  auto option = [&](const std::string& word, const std::string& value) {
    append(argv, {"-o", word + '=' + value});
  };
  if (!ssh.config_file.empty()) append(argv, {"-F", ssh.config_file});
  // The first value of a word wins, ssh_config(5): the user's own come first.
  for (const auto& [word, value] : ssh.options) option(word, value);
  option("BatchMode", "yes");
  option("ConnectTimeout", std::to_string(seconds(ssh.connect_timeout)));
  option("ServerAliveInterval", "15");
  option("ServerAliveCountMax", "3");
  option("StrictHostKeyChecking", ssh.strict_host_key_checking);
  if (!ssh.known_hosts_file.empty()) option("UserKnownHostsFile", ssh.known_hosts_file);
  if (!ssh.identity_file.empty()) {
    option("IdentitiesOnly", "yes");
    append(argv, {"-i", ssh.identity_file});
  }
  if (ssh.port) append(argv, {"-p", std::to_string(*ssh.port)});
  append(argv, {"-T", "-x", "-a"});
  return argv;
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

std::string exact_pattern(const std::string& path) {
  // A backslash escapes only in a pattern that has a wildcard at all.
  bool wild = path.find_first_of("*?[") != std::string::npos;
  std::string pattern = "/";
  for (char c : path) {
    if (wild && (c == '*' || c == '?' || c == '[' || c == '\\')) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

Outcome interpret(int exit_status, int signal, const std::string& error) {
  Outcome outcome;
  outcome.exit_status = signal != 0 ? 128 + signal : exit_status;
  if (signal != 0) {
    outcome.text = fmt::format("rsync was killed by signal {}", signal);
    return outcome;
  }
  auto known = std::ranges::find(kMeanings, exit_status, &Meaning::status);
  const char* words = known == std::end(kMeanings) ? "unknown exit status" : known->words;
  if (known != std::end(kMeanings)) outcome.verdict = known->verdict;
  if (exit_status == 0) return outcome;
  outcome.complaint = first_complaint(error);
  // Whether a failed connection ends rsync with 12 or with 255 is a race.
  if (exit_status == 12 && outcome.complaint.starts_with("ssh:")) words = kNoConnection;
  outcome.text = fmt::format("rsync exited {} ({})", exit_status, words);
  // File names are not for everybody; what ssh says of a connection names none.
  constexpr int kOfConnections[] = {5, 10, 12, 30, 35, 255};
  bool of_connection = std::ranges::find(kOfConnections, exit_status) != std::end(kOfConnections);
  if (of_connection && !outcome.complaint.empty() &&
      outcome.complaint.find('"') == std::string::npos)
    outcome.text += ": " + outcome.complaint;
  return outcome;
}

void read_stats(const std::string& output, Outcome& outcome) {
  // Before 3.1.0 the first label had no "regular".
  auto files = number_after(output, "Number of regular files transferred: ");
  if (!files) files = number_after(output, "Number of files transferred: ");
  outcome.files = files.value_or(0);
  outcome.bytes = number_after(output, "Total bytes sent: ").value_or(0);
}

}  // namespace mirrord
