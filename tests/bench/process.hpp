// What is known of another process: the CPU time it has used, its memory, whether it waits.
//
// Shared by the helpers of the benchmarks. It refuses to wait or to signal.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <fstream>
#include <string>

namespace bench {

/// Nanoseconds on a CPU, of all threads, also those that have ended; 0 when there is no such
/// process.
inline uint64_t cpu_ns(pid_t pid) {
  clockid_t clock = 0;
  timespec used{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &used) < 0) return 0;
  return static_cast<uint64_t>(used.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(used.tv_nsec);
}

/// R, S, D, T, Z ... of proc(5) stat; '?' when there is no such process.
inline char state(pid_t pid) {
  std::string stat;
  std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/stat"), stat);
  const size_t name_end = stat.rfind(") ");
  return name_end == std::string::npos ? '?' : stat.at(name_end + 2);
}

/// Memory that is the process's own and on no disk: RssAnon of proc(5) status.
inline uint64_t anonymous_kib(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string key; status >> key;) {
    uint64_t kib = 0;
    if (key == "RssAnon:" && status >> kib) return kib;
  }
  return 0;
}

/// Tells when a process has nothing more to do: it used next to no CPU since it was first asked
/// in a row of `quiet` answers.
class Settling {
 public:
  Settling(pid_t pid, int quiet) : pid_(pid), quiet_(quiet) {}

  /// To be asked at equal intervals.
  bool settled() {
    constexpr uint64_t kNextToNothing = 300'000;
    const uint64_t now = cpu_ns(pid_);
    const bool still = state(pid_) == 'S' && now < at_start_of_row_ + kNextToNothing;
    if (!still) {
      at_start_of_row_ = now;
      row_ = 0;
    }
    return ++row_ > quiet_;
  }

 private:
  pid_t pid_;
  int quiet_;
  int row_ = 0;
  uint64_t at_start_of_row_ = 0;
};

}  // namespace bench
