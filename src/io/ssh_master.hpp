// One ssh master: a supervised child that holds a connection open for others to share.
//
// It is ready when its control socket appears: ssh binds it under another name and links it into
// place once the login has succeeded. We look for it now and then, because an inotify instance for
// each login would be taken from the few that a user may have. Destroying it ends the connection.
#pragma once

#include <functional>
#include <string>

#include "io/event.hpp"
#include "io/process.hpp"

namespace mirrord {

class SshMaster {
 public:
  struct Listener {
    std::function<void()> ready;
    /// It ended by itself, before or after it was ready. May destroy the master.
    std::function<void(const ProcessResult&)> ended;
  };

  /// `socket` is the control path that `command` names; a login that takes longer than `patience`
  /// is ended. Throws std::system_error when the child cannot be started.
  SshMaster(Loop& loop, Command command, std::string socket, Duration patience, Listener listener);
  ~SshMaster();

  bool is_ready() const { return ready_; }
  /// What is left undone about it, in words; "" = nothing.
  std::string undone(Instant now) const;

 private:
  static constexpr auto kLookInterval = std::chrono::milliseconds(10);
  void look();

  Loop& loop_;
  std::string socket_;
  Listener listener_;
  bool ready_ = false;
  Instant deadline_;
  Source timer_;
  User user_;
  Process process_;
};

}  // namespace mirrord
