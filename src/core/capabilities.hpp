// What the two rsyncs of a target can do, from the words of their `--version`.
//
// Facts: rsync's NEWS. What is unknown (a forced command such as rrsync answers nothing else)
// counts as a recent rsync where a refusal would be noticed, and as an old one where it would not.
#pragma once

#include <compare>
#include <optional>
#include <set>
#include <string>

#include "core/outcome.hpp"

namespace mirrord {

struct RsyncVersion {
  int major = 0;
  int minor = 0;
  int patch = 0;
  auto operator<=>(const RsyncVersion&) const = default;
};

/// From "rsync  version 3.2.7  protocol version 31"; nothing when there is no such line.
std::optional<RsyncVersion> parse_rsync_version(const std::string& output);

/// Whether a login shell prints something of its own before a command's output: rsync's protocol
/// cannot work through it.
bool is_noisy(const std::string& version_output);

struct Capabilities {
  std::optional<RsyncVersion> here;
  std::optional<RsyncVersion> there;
  /// The other side is an rsync daemon, which tells no version.
  bool is_daemon = false;
  /// What a side refused although its version promises it (3.4.3 and others), or is not known.
  std::set<Feature> refused = {};

  /// --delete-missing-args, since 3.1.0.
  bool deletes_missing_args() const;
  /// --ignore-missing-args, since 3.1.0; a matter of the sender alone.
  bool ignores_missing_args() const;
  /// Times are compared to the nanosecond: --modify-window=-1, since 3.1.3. A daemon that does not
  /// know it says so; a forced command may not.
  bool compares_nanoseconds() const;
  /// --mkpath, since 3.2.3.
  bool makes_path() const;
  /// --info=progress2, since 3.1.0; a matter of the sender alone.
  bool shows_progress() const;
  /// An rsync that waits for its list stays alive: older ones run into their own --timeout.
  bool waits_for_list() const;
  /// A remote path reaches the other side unharmed by its shell, since 3.2.4.
  bool escapes_remote_path() const;
};

}  // namespace mirrord
