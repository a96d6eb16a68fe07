#include "core/rsync.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "core/path.hpp"
#include "core/ssh.hpp"

namespace mirrord {

namespace {

using Arguments = std::vector<std::string>;

void append(Arguments& to, std::initializer_list<std::string> more) {
  to.insert(to.end(), more.begin(), more.end());
}

int64_t seconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

void add_limit(Arguments& argv, const Transfer& transfer) {
  constexpr uint64_t kMost = std::numeric_limits<int32_t>::max();  // rsync reads an int
  if (transfer.max_delete)
    argv.push_back(fmt::format("--max-delete={}", std::min(*transfer.max_delete, kMost)));
}

/// What was rewritten within the second of its last transfer has another time by nanoseconds. To
/// directories, which have no contents to send, that is all there is.
void add_fine_times(Arguments& argv, const Transfer& transfer) {
  if (transfer.can.compares_nanoseconds()) argv.push_back("--modify-window=-1");
}

/// Quicker by a fifth and more, and only then rsync knows what it is a part of: --info=progress2.
/// But both ends hold the whole list, some 80 bytes an entry, and checksums are not made at both
/// ends at once. rsync(1) --inc-recursive
bool lists_all_first(const Transfer& transfer) {
  constexpr uint64_t kMost = 500'000;  // 40 MB
  return transfer.lane == Lane::full && !transfer.by_checksum && transfer.entries <= kMost;
}

void add_comparison(Arguments& argv, const Group& group, const Transfer& transfer, bool removes) {
  argv.push_back("-r");
  if (transfer.lane == Lane::verify) append(argv, {"-n", "-i"});
  if (transfer.by_checksum || transfer.lane == Lane::verify) argv.push_back("-c");
  // A file system there may have no finer times than seconds, which is no drift of contents.
  if (transfer.lane != Lane::verify) add_fine_times(argv, transfer);
  if (lists_all_first(transfer)) argv.push_back("--no-inc-recursive");
  if (removes) argv.push_back(group.delete_excluded ? "--delete-excluded" : "--delete");
  if (removes) add_limit(argv, transfer);
  if (transfer.lane == Lane::full && transfer.can.shows_progress())
    argv.push_back("--info=progress2");
  if (transfer.can.makes_path()) argv.push_back("--mkpath");
}

void add_list(Arguments& argv, const Group& group, const Transfer& transfer, bool removes) {
  append(argv, {"--files-from=-", "--from0"});
  if (removes && transfer.can.deletes_missing_args())
    argv.push_back("--delete-missing-args");
  else if (transfer.can.ignores_missing_args())
    argv.push_back("--ignore-missing-args");
  if (transfer.lane == Lane::tree) argv.push_back("-r");
  // Of single entries it deletes nothing; but only with it rsync tells the other side what is
  // excluded, and must stay where the directory around it goes.
  const bool compares = transfer.lane == Lane::tree || transfer.lane == Lane::children;
  const bool keeps_excluded = compares || !group.delete_excluded;
  if (removes) argv.push_back(keeps_excluded ? "--delete" : "--delete-excluded");
  if (removes && compares) add_limit(argv, transfer);
  // The quick check of size and whole seconds would skip a file that was rewritten with the same
  // size within the second of its last transfer.
  if (transfer.lane == Lane::tree || transfer.lane == Lane::data) argv.push_back("-I");
  add_fine_times(argv, transfer);
}

void add_lane(Arguments& argv, const Group& group, const Transfer& transfer) {
  // A directory must make way for a file of its name also where nothing else is deleted.
  argv.push_back("--force");
  bool removes = deletes(group, transfer.lane);
  if (reads_list(transfer.lane))
    add_list(argv, group, transfer, removes);
  else
    add_comparison(argv, group, transfer, removes);
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
  if (!rsync.partial_dir.empty()) argv.push_back("--partial-dir=" + rsync.partial_dir);
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

/// Of a longer rule, near MAXPATHLEN, rsync says that it discards it, and goes on without.
bool fits_in_rule(const std::string& path) {
  constexpr size_t kLongest = 4'000;
  return exact_pattern(path).size() <= kLongest;
}

/// The path, or of what is above it the first of which a rule can be made.
std::string nearest_that_fits(std::string path) {
  while (!fits_in_rule(path)) path = parent_of(path);
  return path;
}

}  // namespace

bool deletes(const Group& group, Lane lane) {
  bool everything = lane == Lane::full || lane == Lane::verify;
  switch (group.delete_mode) {
    case DeleteMode::always:
      return true;
    case DeleteMode::never:
      return false;
    case DeleteMode::startup:
      return everything;
    case DeleteMode::running:
      return !everything;
  }
  return false;
}

std::string rsync_destination(const Destination& to) {
  // A trailing slash makes rsync create the directory itself and never a file of that name.
  std::string path = to.path.empty() || to.path.ends_with('/') ? to.path : to.path + '/';
  if (to.kind == Destination::Kind::local) return path;
  std::string host = to.host.find(':') == std::string::npos ? to.host : '[' + to.host + ']';
  if (!to.login.empty()) host = to.login + '@' + host;
  if (to.kind == Destination::Kind::ssh) return host + ':' + path;
  if (to.port) host += fmt::format(":{}", *to.port);
  return fmt::format("rsync://{}/{}/{}", host, to.module, path);
}

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

bool reads_list(Lane lane) { return lane != Lane::full && lane != Lane::verify; }

std::string filter_rules(const Group& group, const Transfer& transfer) {
  std::string rules;
  const auto add = [&](const std::string& rule) { rules += rule + '\0'; };
  const auto leave_out = [&](const std::string& path) {
    const std::string pattern = exact_pattern(nearest_that_fits(path));
    add("- " + pattern);
    // --delete-excluded takes the protection from an exclude.
    if (group.delete_excluded) add("P " + pattern);
  };
  for (const std::string& path : transfer.hidden)
    if (fits_in_rule(path))
      add("H " + exact_pattern(path));
    else
      leave_out(path);
  for (const std::string& path : transfer.unreadable) leave_out(path);
  // A list goes together with the source's own attributes: "- *" would leave them out.
  if (!group.filter.empty()) add("+ /./");
  for (const FilterRule& rule : group.filter) add(text_of(rule));
  return rules;
}

std::vector<std::string> rsync_command(const Group& group, const Target& target,
                                       const Transfer& transfer) {
  // -a without its -r: only some lanes recurse.
  Arguments argv{target.rsync.program, "-lptgoD", "--stats", "--no-h"};
  if (group.symlinks == Symlinks::follow) argv.push_back("-L");
  if (group.symlinks == Symlinks::follow_external) argv.push_back("--copy-unsafe-links");
  add_lane(argv, group, transfer);
  add_settings(argv, target.rsync);
  if (!transfer.rules_file.empty()) {
    if (!reads_list(transfer.lane)) argv.push_back("--from0");
    argv.push_back("--filter=. " + transfer.rules_file);
  }
  const Destination& to = target.destination;
  if (to.kind == Destination::Kind::ssh) {
    append(argv, {"-e", rsh_option(ssh_command(target.ssh, transfer.control_path))});
    if (needs_protection(to.path) && !transfer.can.escapes_remote_path()) argv.push_back("-s");
  }
  if (to.kind == Destination::Kind::rsync_daemon && !target.rsync.password_file.empty())
    argv.push_back("--password-file=" + target.rsync.password_file);
  argv.push_back("--");
  argv.push_back(group.source.ends_with('/') ? group.source : group.source + '/');
  argv.push_back(rsync_destination(to));
  return argv;
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

}  // namespace mirrord
