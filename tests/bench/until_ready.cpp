// until_ready LOG [--line TEXT] COMMAND...
//
// Runs COMMAND until it says that it is ready: READY=1 on NOTIFY_SOCKET, sd_notify(3), or with
// --line a line of output that holds TEXT. What it writes goes to LOG. When it has come to rest
// after that, one line goes to standard output:
//
//     PID WALL_US CPU_US ANON_KIB
//
// the time from exec to ready, the CPU time and the memory when at rest (its children excluded).
// COMMAND is ended when our standard input ends. Exit status 1: it ended before it was ready.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "process.hpp"

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(2);
}

/// An abstract name, unix(7), so that nothing is left behind.
int notify_socket() {
  const std::string name = "@mirrord-bench-" + std::to_string(::getpid());
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data() + 1, name.size() - 1);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  if (fd < 0 || ::bind(fd, reinterpret_cast<const sockaddr*>(&address), length) < 0)
    fail("until_ready: cannot listen");
  ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  return fd;
}

pid_t start(char** command, int output) {
  const pid_t pid = ::fork();
  if (pid < 0) fail("until_ready: fork");
  if (pid > 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(null, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::execvp(command[0], command);
  fail(command[0]);
}

std::string receive(int fd) {
  char buffer[8192];
  const ssize_t n = ::read(fd, buffer, sizeof buffer);
  return {buffer, n > 0 ? static_cast<size_t>(n) : 0};
}

void end(pid_t pid) {
  ::kill(pid, SIGTERM);
  for (int i = 0; i < 2000; ++i) {
    if (::waitpid(pid, nullptr, WNOHANG) != 0) return;
    ::usleep(5000);
  }
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

}  // namespace

int main(int argc, char** argv) {
  const bool by_line = argc > 4 && std::string_view(argv[2]) == "--line";
  char** command = argv + (by_line ? 4 : 2);
  if (argc < 3) return std::fputs("until_ready LOG [--line TEXT] COMMAND...\n", stderr), 2;
  ::signal(SIGPIPE, SIG_IGN);
  const int log = ::open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  int output[2];
  if (log < 0 || ::pipe2(output, O_CLOEXEC) < 0) fail("until_ready: cannot take the output");
  const int notify = notify_socket();

  const auto begin = Clock::now();
  const pid_t pid = start(command, output[1]);
  ::close(output[1]);
  std::optional<Clock::duration> wall;
  bool told = false;
  std::string written;
  bench::Settling at_rest(pid, 6);
  pollfd fds[] = {{notify, POLLIN, 0}, {output[0], POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
  auto next_look = begin;
  while (true) {
    // Standard input counts only when all is told.
    ::poll(fds, told ? 3 : 2, told ? -1 : wall ? 20 : 1000);
    const auto now = Clock::now();
    if (fds[0].revents & POLLIN)
      if (receive(notify).find("READY=1") != std::string::npos && !by_line && !wall)
        wall = now - begin;
    if (fds[1].revents & POLLIN) {
      const std::string text = receive(output[0]);
      if (::write(log, text.data(), text.size()) < 0) fail("until_ready: write the log");
      if (by_line && !wall && (written += text).find(argv[3]) != std::string::npos)
        wall = now - begin;
    } else if (fds[1].revents != 0) {
      fds[1].fd = -1;
    }
    if (told && fds[2].revents != 0 && receive(STDIN_FILENO).empty()) break;
    if (!wall && ::waitpid(pid, nullptr, WNOHANG) != 0) return 1;
    if (!wall || told || now < next_look) continue;
    next_look = now + std::chrono::milliseconds(20);
    if (!at_rest.settled()) continue;
    told = true;
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(*wall).count();
    std::printf("%d %lld %llu %llu\n", pid, static_cast<long long>(us),
                static_cast<unsigned long long>(bench::cpu_ns(pid) / 1000),
                static_cast<unsigned long long>(bench::anonymous_kib(pid)));
    std::fflush(stdout);
  }
  end(pid);
  // Its last words; a child that outlives it may hold the pipe.
  ::fcntl(output[0], F_SETFL, O_NONBLOCK);
  for (std::string text; !(text = receive(output[0])).empty();)
    if (::write(log, text.data(), text.size()) < 0) fail("until_ready: write the log");
}
