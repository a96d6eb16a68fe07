#include "io/event.hpp"

#include <sys/wait.h>
#include <systemd/sd-event.h>

#include <cassert>
#include <exception>

#include "io/handle.hpp"
#include "io/log.hpp"

namespace mirrord {

struct Source::State {
  sd_event_source* source = nullptr;
  std::function<void()> plain;
  std::function<void(uint32_t)> io;
  std::function<void(ChildExit)> child;
};

void Source::Deleter::operator()(State* state) const {
  sd_event_source_disable_unref(state->source);
  delete state;
}

namespace {

/// The barrier: nothing is thrown into sd-event's C frames.
template <class Call>
int guarded(sd_event_source* source, Call call) noexcept {
  // Now: a source that destroys itself in its callback knows its loop no more.
  sd_event* loop = sd_event_source_get_event(source);
  try {
    call();
    return 0;
  } catch (const std::exception& e) {
    log::write(LogLevel::crit, std::string("stopping: ") + e.what());
  } catch (...) {
    log::write(LogLevel::crit, "stopping: unknown exception");
  }
  sd_event_exit(loop, EXIT_FAILURE);
  return 0;
}

uint64_t to_usec(Instant when) { return static_cast<uint64_t>(when.time_since_epoch().count()); }

// Callbacks run on a copy of the function, so that one may destroy its own source.
template <class Function, class... Args>
int dispatch(sd_event_source* source, const Function& function, Args... args) noexcept {
  return guarded(source, [&] {
    auto copy = function;
    copy(args...);
  });
}

}  // namespace

Loop::Loop() { check(sd_event_default(&event_), "create the event loop"); }

Loop::~Loop() {
  reaped_.clear();
  sd_event_unref(event_);
}

template <class Add>
Source Loop::make(Add add) {
  Source source;
  source.state_.reset(new Source::State);
  add(*source.state_);
  return source;
}

Source Loop::on_io(int fd, uint32_t epoll_events, std::function<void(uint32_t)> callback) {
  return make([&](Source::State& state) {
    state.io = std::move(callback);
    auto trampoline = [](sd_event_source* s, int, uint32_t events, void* data) {
      return dispatch(s, static_cast<Source::State*>(data)->io, events);
    };
    check(sd_event_add_io(event_, &state.source, fd, epoll_events, trampoline, &state),
          "watch a file descriptor");
  });
}

Source Loop::on_signal(int signal, std::function<void()> callback) {
  return make([&](Source::State& state) {
    state.plain = std::move(callback);
    auto trampoline = [](sd_event_source* s, const signalfd_siginfo*, void* data) {
      return dispatch(s, static_cast<Source::State*>(data)->plain);
    };
    check(sd_event_add_signal(event_, &state.source, signal, trampoline, &state),
          "handle signal " + std::to_string(signal));
  });
}

Source Loop::on_child(pid_t pid, std::function<void(ChildExit)> callback) {
  return make([&](Source::State& state) {
    state.child = std::move(callback);
    auto trampoline = [](sd_event_source* s, const siginfo_t* info, void* data) {
      bool exited = info->si_code == CLD_EXITED;
      ChildExit exit{exited ? info->si_status : 0, exited ? 0 : info->si_status};
      return dispatch(s, static_cast<Source::State*>(data)->child, exit);
    };
    check(sd_event_add_child(event_, &state.source, pid, WEXITED, trampoline, &state),
          "wait for process " + std::to_string(pid));
  });
}

void Loop::reap(pid_t pid) noexcept {
  try {
    reaped_[pid] = on_child(pid, [this, pid](ChildExit) { reaped_.erase(pid); });
  } catch (const std::exception&) {
    // No descriptor is free to be told by. One that was killed ends at once, but for a rare case.
    ::waitpid(pid, nullptr, 0);
  }
}

Source Loop::timer(std::function<void()> callback) {
  return make([&](Source::State& state) {
    state.plain = std::move(callback);
    auto trampoline = [](sd_event_source* s, uint64_t, void* data) {
      return dispatch(s, static_cast<Source::State*>(data)->plain);
    };
    // Accuracy of 1 ms: the default of 250 ms would be the latency of the mirror.
    check(sd_event_add_time(event_, &state.source, CLOCK_MONOTONIC, UINT64_MAX, 1000, trampoline,
                            &state),
          "create a timer");
    check(sd_event_source_set_enabled(state.source, SD_EVENT_OFF), "create a timer");
  });
}

void Loop::arm(Source& timer, std::optional<Instant> when) {
  sd_event_source* source = timer.state_->source;
  if (when) check(sd_event_source_set_time(source, to_usec(*when)), "set a timer");
  check(sd_event_source_set_enabled(source, when ? SD_EVENT_ONESHOT : SD_EVENT_OFF), "arm a timer");
}

Source Loop::each_turn(std::function<void()> callback) {
  return deferred(std::move(callback), SD_EVENT_PRIORITY_IDLE);
}

Source Loop::after_events(std::function<void()> callback) {
  // Of two that are always pending and have one priority, the older one would always be first.
  return deferred(std::move(callback), SD_EVENT_PRIORITY_IDLE - 1);
}

Source Loop::deferred(std::function<void()> callback, int64_t priority) {
  return make([&](Source::State& state) {
    state.plain = std::move(callback);
    auto trampoline = [](sd_event_source* s, void* data) {
      return dispatch(s, static_cast<Source::State*>(data)->plain);
    };
    check(sd_event_add_defer(event_, &state.source, trampoline, &state), "defer work");
    check(sd_event_source_set_priority(state.source, priority), "defer work");
    check(sd_event_source_set_enabled(state.source, SD_EVENT_ON), "defer work");
  });
}

Instant Loop::now() const {
  uint64_t usec = 0;
  check(sd_event_now(event_, CLOCK_MONOTONIC, &usec), "read the clock");
  return Instant(Duration(static_cast<int64_t>(usec)));
}

int Loop::run() { return check(sd_event_loop(event_), "run the event loop"); }

bool Loop::run_once(Duration timeout) {
  check(sd_event_run(event_, static_cast<uint64_t>(timeout.count())), "run the event loop");
  return sd_event_get_state(event_) != SD_EVENT_FINISHED;
}

void Loop::stop(int exit_code) { check(sd_event_exit(event_, exit_code), "stop the event loop"); }

}  // namespace mirrord
