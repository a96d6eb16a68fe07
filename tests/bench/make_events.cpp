// make_events unlink|stay|rewrite PID DIRECTORY COUNT
//
// Makes events in DIRECTORY and prints how much CPU the process PID, which watches it, has used
// for them, in microseconds.
//
// unlink   COUNT files are created, closed and unlinked: three events each
// stay     COUNT files are created, written and closed: three events each
// rewrite  one file is written in place and closed COUNT times, while PID reads; it is not truncated,
//          because ext4(5), auto_da_alloc, writes to the disk at the close of a file that was
//
// With the first two PID is stopped while events are made, as many as the kernel queues, and
// then let go until it has come to rest: what counts is how it drains.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include "process.hpp"

namespace {

[[noreturn]] void fail(const std::string& what) {
  std::perror(what.c_str());
  std::exit(1);
}

void write_file(const std::string& path, int flags, std::string_view content) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
  if (fd < 0) fail(path);
  if (!content.empty() && ::write(fd, content.data(), content.size()) < 0) fail(path);
  ::close(fd);
}

void wait_until_at_rest(pid_t pid, int quiet) {
  for (bench::Settling at_rest(pid, quiet); !at_rest.settled(); ::usleep(5000))
    if (bench::state(pid) == '?') fail("the process has ended");
}

class Stopped {
 public:
  explicit Stopped(pid_t pid) : pid_(pid) {
    if (::kill(pid, SIGSTOP) < 0) fail("stop");
    while (bench::state(pid) != 'T') ::usleep(200);
  }
  ~Stopped() { ::kill(pid_, SIGCONT); }
  Stopped(const Stopped&) = delete;
  Stopped& operator=(const Stopped&) = delete;

 private:
  pid_t pid_;
};

long files_in_a_chunk() {
  constexpr long kEventsOfAFile = 3;
  long queue = 0;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> queue;
  return std::max(queue * 9 / 10 / kEventsOfAFile, 1L);
}

void make_chunks(pid_t pid, const std::string& directory, long count, bool stay) {
  const long chunk = files_in_a_chunk();
  for (long begin = 0; begin < count; begin += chunk) {
    {
      Stopped stopped(pid);
      for (long i = begin; i < std::min(begin + chunk, count); ++i) {
        const std::string path = directory + "/file" + std::to_string(i);
        write_file(path, O_EXCL, stay ? "x" : "");
        if (!stay) ::unlink(path.c_str());
      }
    }
    wait_until_at_rest(pid, 4);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5)
    return std::fputs("make_events unlink|stay|rewrite PID DIRECTORY COUNT\n", stderr), 2;
  const std::string_view what = argv[1];
  const pid_t pid = std::atoi(argv[2]);
  const std::string directory = argv[3];
  const long count = std::atol(argv[4]);
  wait_until_at_rest(pid, 20);
  const uint64_t before = bench::cpu_ns(pid);
  if (what == "rewrite") {
    for (long i = 0; i < count; ++i) write_file(directory + "/hot", 0, "x");
  } else {
    make_chunks(pid, directory, count, what == "stay");
  }
  // Longer than mirrord's timers for what it publishes and for files that may be open still.
  wait_until_at_rest(pid, 100);
  std::printf("%llu\n", static_cast<unsigned long long>((bench::cpu_ns(pid) - before) / 1000));
}
