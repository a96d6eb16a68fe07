// Turning the event loop until something has happened.
//
// As in support/wait.hpp a test states what must become true; here the loop itself waits, so what
// it is waiting for can happen.
#pragma once

#include <chrono>

#include "io/event.hpp"
#include "support/wait.hpp"

namespace mirrord::test {

/// Turns the loop until `done`; false after `limit`, or when the loop has ended before.
template <class Predicate>
bool run_until(Loop& loop, Predicate&& done, milliseconds limit = kPatience) {
  const Stopwatch watch;
  while (!done()) {
    auto left = limit - watch.elapsed();
    if (left <= milliseconds(0)) return false;
    if (!loop.run_once(left)) return done();
  }
  return true;
}

}  // namespace mirrord::test
