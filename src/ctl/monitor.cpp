// mirrorctl monitor: the status, drawn anew in place whenever the bus tells of a change.
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "core/status_text.hpp"
#include "ctl/verbs.hpp"

namespace mirrord {

namespace {

// Ages grow without a signal, and so do counters. A burst of signals is one picture.
constexpr auto kLongestPause = std::chrono::seconds(1);
constexpr auto kShortestPause = std::chrono::milliseconds(200);

volatile sig_atomic_t interrupted = 0;

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = 1; };  // no SA_RESTART: the wait must end
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
}

/// The whole terminal for as long as it lives: ECMA-48, and xterm's private modes.
class Screen {
 public:
  Screen() { std::fputs("\033[?1049h\033[?25l\033[?7l", stdout); }
  ~Screen() {
    std::fputs("\033[?7h\033[?25h\033[?1049l", stdout);
    std::fflush(stdout);
  }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  void draw(const std::string& all) {
    winsize size{};
    size_t rows =
        ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 24;
    std::string picture = "\033[H";
    const std::string text = fitting(all, rows);
    for (size_t start = 0; start < text.size();) {
      size_t end = std::min(text.find('\n', start), text.size());
      // No line feed behind the last row: it would scroll.
      picture += (start > 0 ? "\n" : "") + text.substr(start, end - start) + "\033[K";
      start = end + 1;
    }
    std::fputs((picture + "\033[J").c_str(), stdout);
    std::fflush(stdout);
  }
};

/// The daemon may come and go; that nobody is there is a picture too.
std::string look(BusClient& bus, const Selection& selection, bool on_terminal) {
  constexpr size_t kBar = 30;
  try {
    Status status = selected(read_status(bus), selection);
    return status_text(status, {now_usec(), wants_colours(), on_terminal ? kBar : 0});
  } catch (const Failure& e) {
    if (e.exit() != Exit::unreachable) throw;
    return std::string(e.what()) + "\n";
  }
}

void show_on_terminal(BusClient& bus, const Selection& selection) {
  Screen screen;
  while (!interrupted) {
    screen.draw(look(bus, selection, true));
    bus.wait_for_change(kShortestPause, kLongestPause);
  }
}

/// As far as a pipe or a socket tells, poll(2).
bool reader_has_left() {
  pollfd output{STDOUT_FILENO, 0, 0};
  return ::poll(&output, 1, 0) > 0 && (output.revents & (POLLERR | POLLHUP)) != 0;
}

/// Each change, below the other.
void show_as_log(BusClient& bus, const Selection& selection) {
  while (!interrupted) {
    std::printf("%s\n", look(bus, selection, false).c_str());
    std::fflush(stdout);
    if (std::ferror(stdout) != 0) return;
    while (!interrupted && !bus.wait_for_change(kShortestPause, kLongestPause))
      if (reader_has_left()) return;
  }
}

}  // namespace

Exit monitor(const BusClient::Address& address, const Selection& selection) {
  BusClient bus(address);
  (void)selected(read_status(bus), selection);  // throws for what there is not
  bus.watch();
  catch_interrupts();
  if (::isatty(STDOUT_FILENO) == 1)
    show_on_terminal(bus, selection);
  else
    show_as_log(bus, selection);
  return Exit::ok;
}

}  // namespace mirrord
