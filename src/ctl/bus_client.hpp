// The way to the daemon: a connection to its bus, and calls that either give an answer or a
// Failure in words that a person can act on.
//
// Owns the connection and the messages. It knows the names of org.mirrord1 and what bus errors
// mean; what is asked, and what the answers say, is not its business.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "core/bus_names.hpp"
#include "io/bus.hpp"

struct sd_bus_message;

namespace mirrord {

/// mirrorctl(1) EXIT STATUS.
enum class Exit { ok = 0, failed = 1, usage = 2, unreachable = 3 };

/// Why mirrorctl cannot do what it was asked for, and the exit status that says so.
class Failure : public std::runtime_error {
 public:
  Failure(Exit exit, const std::string& why) : std::runtime_error(why), exit_(exit) {}
  Exit exit() const { return exit_; }

 private:
  Exit exit_;
};

class BusClient {
 public:
  using Clock = std::chrono::steady_clock;
  struct Address {
    std::string bus = "system";  ///< "system", "user" or a D-Bus address
    std::string host;            ///< [USER@]HOST, reached by ssh; "" = this one
  };
  struct MessageDeleter {
    void operator()(sd_bus_message* message) const;
  };
  using Message = std::unique_ptr<sd_bus_message, MessageDeleter>;
  static constexpr auto kCallTimeout = std::chrono::seconds(25);

  /// Throws Failure when there is no such bus.
  explicit BusClient(Address address);

  /// A call of a method of /org/mirrord1, to append arguments to.
  Message method(const char* interface, const char* member);
  /// No call waits longer than that, or a second where less is left; it throws Failure with
  /// Exit::failed then.
  void give_up_at(Clock::time_point deadline) { deadline_ = deadline; }
  /// Sends it and waits for the reply. Throws Failure for every error.
  Message call(const Message& call, std::chrono::microseconds timeout = kCallTimeout);

  /// The daemon's; nothing where the bus does not tell.
  std::optional<pid_t> daemon_pid();

  /// From now on changes of the daemon's objects are noticed, and its coming and going.
  void watch();
  /// Waits for a change, at least `shortest` and at most `longest`. False when there was none, or
  /// a signal(7) ended the wait.
  bool wait_for_change(std::chrono::microseconds shortest, std::chrono::microseconds longest);

 private:
  std::string where() const;
  std::string advice() const;
  Failure failure(int error, const std::string& name, const std::string& message) const;

  Address address_;
  std::optional<Clock::time_point> deadline_;
  bool changed_ = false;
  Bus bus_;
};

}  // namespace mirrord
