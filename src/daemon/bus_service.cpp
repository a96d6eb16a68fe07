#include "daemon/bus_service.hpp"

#include <systemd/sd-bus.h>

#include <algorithm>
#include <cstring>

#include "core/escape.hpp"
#include "daemon/bus_objects.hpp"
#include "daemon/bus_signals.hpp"
#include "daemon/caller.hpp"
#include "daemon/log_control.hpp"
#include "io/log.hpp"

namespace mirrord {

namespace {

constexpr Duration kFirstRetry = std::chrono::seconds(1);
constexpr Duration kLongestRetry = std::chrono::minutes(1);

int refuse(Engine::Found found, const std::string& group, const std::string& target,
           sd_bus_error* error) {
  if (found == Engine::Found::no_such_group)
    return sd_bus_error_setf(error, kNoSuchGroup, "No such group '%s'", group.c_str());
  return sd_bus_error_setf(error, kNoSuchTarget, "No such target '%s'", target.c_str());
}

}  // namespace

BusService::BusService(Loop& loop, Engine& engine, Context context)
    : loop_(loop), engine_(engine), context_(std::move(context)), retry_delay_(kFirstRetry) {
  retry_timer_ = loop_.timer([this] { connect(); });
  if (context_.address == "none")
    settle();
  else
    connect();
}

BusService::~BusService() = default;

void BusService::changed(const Status& before, const Status& after) {
  if (bus_ && sd_bus_is_ready(bus_.get()) > 0) emit_changes(bus_.get(), before, after);
}

void BusService::connect() {
  polkit_.clear();
  bus_.reset();
  int r = try_connect();
  if (r < 0) lost(std::strerror(-r));
}

int BusService::try_connect() {
  int r = open_bus(context_.address, bus_);
  if (r >= 0) r = sd_bus_attach_event(bus_.get(), loop_.get(), SD_EVENT_PRIORITY_NORMAL);
  if (r >= 0) r = publish_objects();
  return r;
}

int BusService::publish_objects() {
  auto disconnected = [](sd_bus_message*, void* data, sd_bus_error*) {
    static_cast<BusService*>(data)->lost("the connection was closed");
    return 0;
  };
  auto named = [](sd_bus_message* reply, void* data, sd_bus_error*) {
    auto& self = *static_cast<BusService*>(data);
    constexpr uint32_t kExists = 3;  // D-Bus specification, RequestName
    const sd_bus_error* error = sd_bus_message_get_error(reply);
    uint32_t answer = 0;
    if (error) {
      self.lost(std::string("the name org.mirrord1 was refused: ") + error->message);
    } else if (sd_bus_message_read(reply, "u", &answer) >= 0 && answer == kExists) {
      self.lost("another mirrord has the name org.mirrord1");
    } else {
      self.retry_delay_ = kFirstRetry;
      self.settle();
    }
    return 0;
  };
  int r = sd_bus_match_signal_async(bus_.get(), nullptr, "org.freedesktop.DBus.Local",
                                    "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                                    "Disconnected", disconnected, nullptr, this);
  if (r >= 0) r = add_bus_objects(bus_.get(), this);
  if (r >= 0) r = add_log_control(bus_.get(), this);
  if (r >= 0) r = sd_bus_request_name_async(bus_.get(), nullptr, kBusName, 0, named, this);
  return r;
}

void BusService::lost(const std::string& why) {
  log::write(retry_delay_ == kFirstRetry ? LogLevel::warning : LogLevel::debug,
             "not on the bus: " + why + "; mirroring goes on, trying again");
  // Not here: sd-bus is calling us.
  loop_.arm(retry_timer_, loop_.now() + retry_delay_);
  retry_delay_ = std::min(retry_delay_ * 2, kLongestRetry);
  settle();
}

void BusService::settle() {
  if (!std::exchange(settled_, true)) context_.settled();
}

int BusService::authorize(sd_bus_message* call, Work work, sd_bus_error* error) {
  // Over dbus-daemon no capabilities are known: it says whether the caller's user is ours.
  int r = sd_bus_query_sender_privilege(call, -1);
  if (r < 0) return r;
  if (r > 0) return work(call, error);
  std::shared_ptr<sd_bus_message> waiting(sd_bus_message_ref(call), sd_bus_message_unref);
  return polkit_.ask(
      call,
      [waiting, work = std::move(work)](bool allowed) {
        sd_bus_error refused = SD_BUS_ERROR_NULL;
        int done = allowed ? work(waiting.get(), &refused)
                           : sd_bus_error_set(&refused, SD_BUS_ERROR_ACCESS_DENIED,
                                              "Access denied: this is for root, or for whom "
                                              "polkit allows org.mirrord1.manage");
        // A caller that has gone by now does not matter.
        if (done < 0) (void)sd_bus_reply_method_errno(waiting.get(), done, &refused);
        sd_bus_error_free(&refused);
      },
      error);
}

int BusService::reload(sd_bus_message* call) {
  std::shared_ptr<sd_bus_message> waiting(sd_bus_message_ref(call), sd_bus_message_unref);
  context_.reload([waiting](const std::string& problems) {
    // A caller that has gone by now does not matter.
    if (problems.empty())
      (void)sd_bus_reply_method_return(waiting.get(), nullptr);
    else
      (void)sd_bus_reply_method_errorf(waiting.get(), kInvalidConfig, "%s", problems.c_str());
  });
  return 1;
}

int BusService::act(sd_bus_message* call, const std::string& group, const std::string& target,
                    const std::function<Engine::Found(Engine&)>& action, sd_bus_error* error) {
  Engine::Found found = action(engine_);
  if (found != Engine::Found::yes) return refuse(found, group, target, error);
  return sd_bus_reply_method_return(call, nullptr);
}

int BusService::explain(sd_bus_message* call, const std::string& group, const std::string& path,
                        sd_bus_error* error) {
  if (!status().group(group)) return refuse(Engine::Found::no_such_group, group, "", error);
  std::optional<Explanation> answer = engine_.explain(group, path);
  if (!answer)
    return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                             "'%s' is not below the source of group '%s', nor behind its links",
                             escape(path).c_str(), group.c_str());
  return sd_bus_reply_method_return(call, "s", to_json(*answer).c_str());
}

int BusService::checkpoint(sd_bus_message* call) {
  return sd_bus_reply_method_return(call, "t", engine_.checkpoint());
}

int BusService::verify(sd_bus_message* call, const std::string& group, const std::string& target,
                       sd_bus_error* error) {
  auto number = std::make_shared<uint64_t>(0);
  std::unique_ptr<Caller> watched;
  int r = Caller::watch(
      call, [this, number] { engine_.forget_verification(*number); }, watched);
  if (r < 0) return r;
  std::shared_ptr<Caller> caller = std::move(watched);
  Engine::Found found = engine_.verify(
      group, target,
      [caller](const std::vector<Verification>& found_drift) {
        // A caller that has gone by now does not matter.
        (void)sd_bus_reply_method_return(caller->call(), "s", to_json(found_drift).c_str());
      },
      *number);
  return found == Engine::Found::yes ? 1 : refuse(found, group, target, error);
}

}  // namespace mirrord
