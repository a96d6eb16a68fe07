// read_floor DIRECTORY
//
// The least that a reader of events must do: read(2) them and look at each. Says "reading" when
// the directory is watched, and, when it is ended, how many events there were.
#include <signal.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace {

// What mirrord asks for, so that the kernel queues the same.
constexpr uint32_t kEvents = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB |
                             IN_CLOSE_WRITE | IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF |
                             IN_EXCL_UNLINK;

volatile sig_atomic_t ended = 0;

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("read_floor DIRECTORY\n", stderr), 2;
  struct sigaction action {};  // without SA_RESTART: read(2) returns
  action.sa_handler = [](int) { ended = 1; };
  ::sigaction(SIGTERM, &action, nullptr);
  const int inotify = ::inotify_init1(IN_CLOEXEC);
  if (::inotify_add_watch(inotify, argv[1], kEvents) < 0) return std::perror(argv[1]), 1;
  std::fputs("reading\n", stderr);
  static char buffer[256 * 1024];
  size_t events = 0, lost = 0;
  while (!ended) {
    const ssize_t n = ::read(inotify, buffer, sizeof buffer);
    if (n < 0 && errno != EINTR) return std::perror("read"), 1;
    for (ssize_t at = 0; at < n;) {
      inotify_event event;
      std::memcpy(&event, buffer + at, sizeof event);
      ++events;
      if (event.mask & IN_Q_OVERFLOW) ++lost;
      at += static_cast<ssize_t>(sizeof event + event.len);
    }
  }
  std::fprintf(stderr, "events %zu, overflows %zu\n", events, lost);
}
