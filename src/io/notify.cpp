#include "io/notify.hpp"

#include <systemd/sd-daemon.h>
#include <time.h>

namespace mirrord::notify {

namespace {

// A service manager that does not listen is no reason to fail: results are ignored throughout.
void send(const std::string& message) { (void)sd_notify(0, message.c_str()); }

}  // namespace

void ready() { send("READY=1"); }

void status(const std::string& line) {
  static std::string last;
  if (line == last) return;
  last = line;
  send("STATUS=" + line);
}

void stopping() { send("STOPPING=1\nSTATUS=Stopping"); }

void failed(int error, const std::string& reason) {
  send("STATUS=" + reason.substr(0, reason.find('\n')) + "\nERRNO=" + std::to_string(error));
}

ReloadScope::ReloadScope() {
  // MONOTONIC_USEC= is what Type=notify-reload (systemd 253) pairs the reload by.
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  send("RELOADING=1\nMONOTONIC_USEC=" +
       std::to_string(int64_t{now.tv_sec} * 1000000 + now.tv_nsec / 1000));
}

ReloadScope::~ReloadScope() { ready(); }

}  // namespace mirrord::notify
