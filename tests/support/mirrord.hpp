// The built daemon as systemd would run it, and the built client.
//
// A Mirrord owns one running daemon with a notify socket, runtime and state directories of its own,
// all below the test's directory. It is ended with the object and, when the test has failed by
// then, shows its log. It writes no configuration and judges nothing.
#pragma once

#include <filesystem>
#include <string>

#include "support/child.hpp"
#include "support/files.hpp"
#include "support/notify_socket.hpp"

namespace mirrord::test {

class Mirrord {
 public:
  struct Options {
    std::filesystem::path config_dir;
    std::string bus = "none";  ///< as --bus takes it
    Arguments arguments = {};  ///< after those that every test needs
    Environment environment = {};
    Arguments wrapper = {};  ///< a program that becomes the daemon by exec(2), as unshare(1) does
  };

  /// Starts it; only wait_ready() says that it runs.
  Mirrord(const TempDir& dir, Options options);
  ~Mirrord();

  /// Returns when READY=1 has come; throws with its log when it ends or stays silent instead.
  void wait_ready();

  /// TERM, and the exit status; -1 when it does not end in time.
  int terminate(milliseconds limit = kPatience);

  pid_t pid() const { return child_.pid(); }
  void signal(int number) const { child_.signal(number); }
  bool running() { return child_.running(); }
  std::string log() const { return child_.output(); }
  NotifySocket& notify() { return notify_; }

 private:
  NotifySocket notify_;
  Child child_;
};

/// Runs the daemon to its own end, for starts that must fail and for --check.
Finished run_mirrord(const TempDir& dir, const Mirrord::Options& options);

Finished run_mirrorctl(const Arguments& arguments);

/// The built programs; those of the directory MIRRORD_PROGRAMS where the environment has one.
std::string mirrord_program();
std::string mirrorctl_program();

}  // namespace mirrord::test
