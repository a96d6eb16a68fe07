// Waiting for something that another process does: the one polling primitive of the tests.
//
// A test never sleeps for a time that "should do"; it states what must become true and how long it
// is willing to wait. What must *not* happen is tested by waiting for something that must happen
// after it. The patience is generous, because a sanitizer build on a busy machine is slow; how long
// a thing really took is printed, not asserted.
#pragma once

#include <chrono>
#include <thread>

namespace mirrord::test {

using std::chrono::milliseconds;

/// How long a test waits before it fails.
inline constexpr milliseconds kPatience{15'000};
inline constexpr milliseconds kPollEvery{3};

/// Time since its construction.
class Stopwatch {
 public:
  milliseconds elapsed() const {
    return std::chrono::duration_cast<milliseconds>(Clock::now() - begin_);
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point begin_ = Clock::now();
};

/// Calls `done` every few milliseconds; true as soon as it is true, false after `limit`.
template <class Predicate>
bool wait_until(Predicate&& done, milliseconds limit = kPatience) {
  const Stopwatch watch;
  while (!done()) {
    if (watch.elapsed() >= limit) return false;
    std::this_thread::sleep_for(kPollEvery);
  }
  return true;
}

}  // namespace mirrord::test
