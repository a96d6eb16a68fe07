// What /proc tells of another process: the CPU time it has used, its memory, whether it waits.
//
// Shared by the helpers of the benchmarks. It refuses to wait or to signal.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace bench {

/// Nanoseconds on a CPU, of all threads, proc(5) schedstat. Exact while the process waits or is
/// stopped; up to a tick old while it runs.
inline uint64_t cpu_ns(pid_t pid) {
  uint64_t sum = 0;
  std::error_code gone;
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks, gone)) {
    uint64_t nanoseconds = 0;
    std::ifstream(task.path() / "schedstat") >> nanoseconds;
    sum += nanoseconds;
  }
  return sum;
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
