// What the running service sees of this host's file systems, which may differ from what we see: its
// unit has a mount namespace of its own, systemd.exec(5) SANDBOXING.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace mirrord {

class ServiceView {
 public:
  /// Of the service with this pid. Nothing where it sees what we see, or where that is not ours to
  /// know.
  static std::optional<ServiceView> of(pid_t service);

  /// Whether what is there is mounted read-only for it, and not for us.
  bool is_read_only(const std::string& path) const;
  /// Whether another file system, or another directory, is there for it than for us.
  bool differs(const std::string& path) const;

 private:
  explicit ServiceView(std::string root) : root_(std::move(root)) {}
  std::string there(const std::string& path) const;

  std::string root_;  // /proc/PID/root
};

}  // namespace mirrord
