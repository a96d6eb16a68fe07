// The event loop and its sources: sd-event(3) as C++ objects.
//
// A source lives as long as its Source object; destroying it ends the callbacks. This is the only
// barrier between sd-event's C frames and C++ exceptions: a callback that throws is logged once
// and ends the loop with a failure.
#pragma once

#include <csignal>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "core/model.hpp"

struct sd_event;
struct sd_event_source;

namespace mirrord {

class Loop;

class Source {
 public:
  Source() = default;
  Source(Source&&) noexcept = default;
  Source& operator=(Source&&) noexcept = default;

  explicit operator bool() const { return state_ != nullptr; }
  void reset() { state_.reset(); }

 private:
  friend class Loop;
  struct State;
  struct Deleter {
    void operator()(State* state) const;
  };
  std::unique_ptr<State, Deleter> state_;
};

/// How a child ended: an exit status, or the signal that killed it.
struct ChildExit {
  int status = 0;
  int signal = 0;
};

class Loop {
 public:
  Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  /// Calls back while `fd` is ready for `epoll_events`.
  Source on_io(int fd, uint32_t epoll_events, std::function<void(uint32_t)> callback);
  /// The signal must be blocked, signal(7).
  Source on_signal(int signal, std::function<void()> callback);
  /// Reaps `pid`. SIGCHLD must be blocked.
  Source on_child(pid_t pid, std::function<void(ChildExit)> callback);
  /// Reaps `pid`, which was killed, when it ends. That may take long where it hangs deep in the
  /// kernel.
  void reap(pid_t pid) noexcept;
  /// A one-shot timer, disarmed; see arm().
  Source timer(std::function<void()> callback);
  void arm(Source& timer, std::optional<Instant> when);
  /// Calls back once in every turn of the loop that has nothing else to do, until reset.
  Source each_turn(std::function<void()> callback);
  /// Calls back when the events at hand have been dealt with, before each_turn(), until reset.
  Source after_events(std::function<void()> callback);

  /// The time of this turn of the loop.
  Instant now() const;
  /// Runs until stop(); its exit code.
  int run();
  /// One turn, waiting at most `timeout`; false after stop().
  bool run_once(Duration timeout);
  void stop(int exit_code);

  sd_event* get() const { return event_; }

 private:
  template <class Add>
  Source make(Add add);
  Source deferred(std::function<void()> callback, int64_t priority);
  sd_event* event_ = nullptr;
  std::map<pid_t, Source> reaped_;  // that nobody else waits for
};

}  // namespace mirrord
