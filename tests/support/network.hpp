// A host behind a network that a test makes bad: packets are lost, late, or vanish altogether.
//
// A Network owns a network namespace and the only line into it: a TUN device on either side, and a
// thread that carries the packets from one to the other, or does not. A program becomes a process
// of that host by having entering() put before its arguments. IPv4 only. netem(8) would do the
// same where the kernel has it. Names and addresses are the kernel's choice, so that several tests
// can run at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "io/handle.hpp"
#include "support/child.hpp"
#include "support/wait.hpp"

namespace mirrord::test {

class Network {
 public:
  /// How packets fare, each way.
  struct Line {
    double loss = 0;  ///< share of packets that vanish
    milliseconds delay{0};
  };

  /// Why there can be none here, if so.
  static std::optional<std::string> unavailable();

  Network();
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  void set(Line line);
  /// As when a cable is pulled: nobody is told.
  void cut() { set({.loss = 1}); }
  void restore() { set({}); }
  size_t lost() const;

  /// Of the host in it.
  std::string address() const { return address_; }
  Arguments entering() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Packet {
    Clock::time_point due;
    int to;
    std::vector<std::byte> bytes;
  };

  void relay();
  std::optional<milliseconds> until_due() const;
  void accept(int from, int to);
  void deliver();

  Fd here_, there_;  // the ends of the line
  Fd namespace_;
  Fd wake_;
  std::string address_;
  mutable std::mutex mutex_;  // for what follows, but for packets_
  Line line_;
  size_t lost_ = 0;
  bool stopping_ = false;
  std::deque<Packet> packets_;  // on their way, the thread's own
  std::minstd_rand random_;
  std::thread relay_;
};

}  // namespace mirrord::test
