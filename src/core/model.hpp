// The configuration as plain values: what the rest of mirrord knows of the TOML files.
//
// These structs hold settings only; their defaults are those of mirrord.toml(5). They compare with
// ==, which is how a reload finds out what changed. They know neither files nor clocks. core/config
// makes them, everybody reads them.
#pragma once

#include "core/filter_rule.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mirrord {

using Duration = std::chrono::microseconds;

/// A moment on CLOCK_MONOTONIC. core never asks for it, it is always an argument.
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;

enum class Symlinks { follow, preserve, follow_external };
enum class SyncOn { close, modify };
enum class DeleteMode { always, never, startup, running };
enum class LogLevel { emerg, alert, crit, err, warning, notice, info, debug };

/// Where a target's copy lives. `path` is the directory on the host, or below the module.
struct Destination {
  enum class Kind { ssh, rsync_daemon, local };
  Kind kind = Kind::local;
  std::string login;             ///< "" = ssh's own choice
  std::string host;              ///< without the brackets of an IPv6 address
  std::optional<uint16_t> port;  ///< only in rsync://host:port/…
  std::string module;            ///< rsync_daemon only
  std::string path;
  std::string text;  ///< as the user wrote it
  bool operator==(const Destination&) const = default;
};

/// Deletion guard: at most `count` entries, or `percent` of the target's; neither = off.
struct MaxDelete {
  std::optional<uint64_t> count;
  std::optional<double> percent = 50.0;
  bool operator==(const MaxDelete&) const = default;
};

struct RetrySettings {
  Duration initial = std::chrono::seconds(1);
  Duration max = std::chrono::minutes(5);
  bool operator==(const RetrySettings&) const = default;
};

struct RsyncSettings {
  std::string program = "rsync";
  std::string remote_program;  ///< for the target's shell; "" = rsync's own default
  bool compress = true;
  uint64_t bandwidth_limit = 0;  ///< bytes a second, 0 = none
  Duration timeout = std::chrono::seconds(60);
  bool acls = false;
  bool xattrs = false;
  bool hard_links = false;
  bool numeric_ids = false;
  std::string chmod;
  std::string chown;
  bool checksum = false;
  bool inplace = false;
  bool sparse = false;
  std::string partial_dir;
  std::string password_file;
  std::vector<std::string> options;
  bool operator==(const RsyncSettings&) const = default;
};

struct SshSettings {
  std::string program = "ssh";
  std::optional<uint16_t> port;
  std::string identity_file;
  std::string known_hosts_file;
  std::string config_file;
  Duration connect_timeout = std::chrono::seconds(10);
  std::string strict_host_key_checking = "yes";
  bool multiplex = true;
  std::map<std::string, std::string> options;  ///< ssh_config(5) words
  bool operator==(const SshSettings&) const = default;
};

struct HookSettings {
  std::vector<std::string> after_sync;
  Duration timeout = std::chrono::minutes(1);
  bool operator==(const HookSettings&) const = default;
};

/// One place that must hold a copy, with the settings that reach it (the group's, overridden).
struct Target {
  std::string name;
  Destination destination;
  RsyncSettings rsync;
  SshSettings ssh;
  bool operator==(const Target&) const = default;
};

/// A user of this machine as a child process needs it, from passwd(5) and group(5).
struct User {
  std::string name;
  std::string home;
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::vector<uint32_t> groups;
  auto operator<=>(const User&) const = default;
};

struct Group {
  std::string name;
  std::string source;  ///< absolute, without a trailing slash
  std::string user;    ///< "" = the daemon's own
  User runs_as;        ///< what that user was when the configuration was read
  Symlinks symlinks = Symlinks::follow;
  std::optional<std::vector<std::string>> follow_into;  ///< unset = anywhere
  SyncOn sync_on = SyncOn::close;
  std::optional<Duration> rescan;  ///< unset = by file system, 0 = off
  Duration delay = std::chrono::milliseconds(100);
  Duration max_delay = std::chrono::seconds(5);
  DeleteMode delete_mode = DeleteMode::always;
  bool delete_excluded = false;
  MaxDelete max_delete;
  std::vector<FilterRule> filter;  ///< in order; those of exclude and exclude_from come last
  bool standby = true;
  RetrySettings retry;
  HookSettings hooks;
  std::vector<Target> targets;
  bool operator==(const Group&) const = default;
};

struct Limits {
  unsigned max_transfers = 8;  ///< rsync processes that move data, over all groups
  unsigned max_standby = 32;
  LogLevel log_level = LogLevel::info;
  bool operator==(const Limits&) const = default;
};

struct Config {
  Limits limits;
  std::vector<Group> groups;  ///< sorted by name
  bool operator==(const Config&) const = default;

  const Group* find(const std::string& name) const;
};

}  // namespace mirrord
