#include "io/notify.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "io/handle.hpp"

namespace mirrord::notify {

namespace {

enum class Patience { none, short_wait };

/// sd_notify(3) waits for ever when nobody reads the socket; the loop may not. The protocol is one
/// datagram to NOTIFY_SOCKET, a path or, with a leading "@", an abstract name. A service manager
/// that does not listen is no reason to fail, so a refusal is not reported.
void send(const std::string& message, Patience patience) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (!path || std::strlen(path) < 2 || std::strlen(path) >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, path, std::strlen(path));
  if (path[0] == '@') address.sun_path[0] = '\0';
  // Kept: the watchdog is to be fed where no descriptor is left, too.
  static Fd socket;
  if (!socket) socket = Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return;
  timeval wait{0, 500'000};
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
  (void)::sendto(socket.get(), message.data(), message.size(),
                 MSG_NOSIGNAL | (patience == Patience::none ? MSG_DONTWAIT : 0),
                 reinterpret_cast<const sockaddr*>(&address), length);
}

}  // namespace

void ready() { send("READY=1", Patience::short_wait); }

void status(const std::string& line) {
  static std::string last;
  if (line == last) return;
  last = line;
  send("STATUS=" + line, Patience::none);
}

void stopping() { send("STOPPING=1\nSTATUS=Stopping", Patience::short_wait); }

void extend_timeout(Duration more) {
  send("EXTEND_TIMEOUT_USEC=" + std::to_string(more.count()), Patience::none);
}

std::optional<Duration> watchdog_period() {
  uint64_t usec = 0;
  if (sd_watchdog_enabled(0, &usec) <= 0) return std::nullopt;
  return Duration(static_cast<int64_t>(usec));
}

void alive() { send("WATCHDOG=1", Patience::none); }

void failed(int error, const std::string& reason) {
  send("STATUS=" + reason.substr(0, reason.find('\n')) + "\nERRNO=" + std::to_string(error),
       Patience::short_wait);
}

void ReloadScope::tell() {
  // MONOTONIC_USEC= is what Type=notify-reload (systemd 253) pairs the reload by.
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  send("RELOADING=1\nMONOTONIC_USEC=" +
           std::to_string(int64_t{now.tv_sec} * 1000000 + now.tv_nsec / 1000),
       Patience::short_wait);
}

ReloadScope::~ReloadScope() { ready(); }

}  // namespace mirrord::notify
