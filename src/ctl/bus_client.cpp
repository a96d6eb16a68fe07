#include "ctl/bus_client.hpp"

#include <systemd/sd-bus.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "io/handle.hpp"

namespace mirrord {

namespace {

/// For a daemon that is well it is plenty, so that one that is asked at the last moment can answer.
constexpr auto kLeastPatience = std::chrono::seconds(1);

enum class Trouble { none, not_running, no_answer };

/// What sd-bus makes of the errors of the bus itself and of a lost connection, sd-bus-errors(3).
Trouble trouble_of(int error) {
  switch (error) {
    case EHOSTUNREACH:  // ServiceUnknown
    case ENXIO:         // NameHasNoOwner
      return Trouble::not_running;
    case ETIMEDOUT:  // NoReply, Timeout
    case ECONNRESET:
    case ENOTCONN:
    case EPIPE:
      return Trouble::no_answer;
    default:
      return Trouble::none;
  }
}

std::chrono::microseconds patience_until(BusClient::Clock::time_point deadline) {
  const auto rest =
      std::chrono::duration_cast<std::chrono::microseconds>(deadline - BusClient::Clock::now());
  return std::max<std::chrono::microseconds>(rest, kLeastPatience);
}

struct Error {
  sd_bus_error value{};
  ~Error() { sd_bus_error_free(&value); }
};

}  // namespace

void BusClient::MessageDeleter::operator()(sd_bus_message* message) const {
  sd_bus_message_unref(message);
}

BusClient::BusClient(Address address) : address_(std::move(address)) {
  int r =
      address_.host.empty() ? open_bus(address_.bus, bus_) : open_remote_bus(address_.host, bus_);
  const char* unused = nullptr;
  // Waits until the bus has let us in, so that "no bus" and "no daemon" are told apart.
  if (r >= 0) r = sd_bus_get_unique_name(bus_.get(), &unused);
  if (r < 0)
    throw Failure(Exit::unreachable,
                  "cannot connect to " + where() + ": " + std::strerror(-r) + "; " + advice());
}

BusClient::Message BusClient::method(const char* interface, const char* member) {
  sd_bus_message* message = nullptr;
  check(
      sd_bus_message_new_method_call(bus_.get(), &message, kBusName, kRootPath, interface, member),
      std::string("prepare the call of ") + member);
  return Message(message);
}

BusClient::Message BusClient::call(const Message& call, std::chrono::microseconds timeout) {
  Error error;
  sd_bus_message* reply = nullptr;
  if (deadline_) timeout = std::min(timeout, patience_until(*deadline_));
  int r = sd_bus_call(bus_.get(), call.get(), static_cast<uint64_t>(timeout.count()), &error.value,
                      &reply);
  if (r >= 0) return Message(reply);
  if (r == -ETIMEDOUT && deadline_ && Clock::now() >= *deadline_)
    throw Failure(Exit::failed, "the time is over, and mirrord does not answer on " + where());
  throw failure(-r, error.value.name ? error.value.name : "",
                error.value.message ? error.value.message : std::strerror(-r));
}

std::optional<pid_t> BusClient::daemon_pid() {
  sd_bus_creds* found = nullptr;
  if (sd_bus_get_name_creds(bus_.get(), kBusName, SD_BUS_CREDS_PID, &found) < 0)
    return std::nullopt;
  const std::unique_ptr<sd_bus_creds, decltype(&sd_bus_creds_unref)> owner(found,
                                                                           sd_bus_creds_unref);
  pid_t pid = 0;
  return sd_bus_creds_get_pid(owner.get(), &pid) < 0 ? std::nullopt : std::optional(pid);
}

void BusClient::watch() {
  auto noticed = [](sd_bus_message*, void* data, sd_bus_error*) {
    static_cast<BusClient*>(data)->changed_ = true;
    return 0;
  };
  for (const char* match : {"type='signal',sender='org.mirrord1'",
                            "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',"
                            "arg0='org.mirrord1'"})
    check(sd_bus_add_match(bus_.get(), nullptr, match, noticed, this), "listen to the daemon");
}

bool BusClient::wait_for_change(std::chrono::microseconds shortest,
                                std::chrono::microseconds longest) {
  Clock::time_point start = Clock::now();
  auto left = [&](std::chrono::microseconds of) {
    auto rest = std::chrono::duration_cast<std::chrono::microseconds>(start + of - Clock::now());
    return std::max(rest, std::chrono::microseconds(0));
  };
  changed_ = false;
  for (;;) {
    int r = sd_bus_process(bus_.get(), nullptr);
    if (r < 0) throw failure(-r, "", std::strerror(-r));
    if (r > 0) continue;
    auto rest = left(changed_ ? shortest : longest);
    if (rest.count() == 0) return changed_;
    r = sd_bus_wait(bus_.get(), static_cast<uint64_t>(rest.count()));
    if (r == -EINTR) return false;
    if (r < 0) throw failure(-r, "", std::strerror(-r));
  }
}

Failure BusClient::failure(int error, const std::string& name, const std::string& message) const {
  switch (trouble_of(error)) {
    case Trouble::not_running:
      return {Exit::unreachable, "mirrord is not running: nobody owns the name " +
                                     std::string(kBusName) + " on " + where() + "; " + advice()};
    case Trouble::no_answer:
      return {Exit::unreachable,
              "mirrord does not answer on " + where() + ": " + message + "; " + advice()};
    case Trouble::none:
      break;
  }
  if (name == kInvalidConfig)
    return {Exit::failed, message + "\nconfiguration refused, the old one stays in force"};
  if (error == EACCES || error == EPERM)
    return {Exit::failed, "not allowed, try it as root: " + message};
  return {Exit::failed, message};
}

std::string BusClient::where() const {
  if (!address_.host.empty()) return "the system bus of " + address_.host;
  if (address_.bus == "system" || address_.bus == "user") return "the " + address_.bus + " bus";
  return "the bus at " + address_.bus;
}

std::string BusClient::advice() const {
  return "see: systemctl " + (address_.host.empty() ? "" : "-H " + address_.host + " ") +
         "status mirrord";
}

}  // namespace mirrord
