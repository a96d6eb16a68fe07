// The daemon on D-Bus: org.mirrord1 as org.mirrord1(5) promises it.
//
// Holds no state of its own: every property is read from the engine's status. The bus is no
// condition: without one the daemon mirrors just the same and joins when one appears; after a
// restart of the bus it comes back with its name and its objects.
#pragma once

#include <systemd/sd-bus.h>

#include <functional>
#include <memory>
#include <string>

#include "core/status.hpp"
#include "daemon/config_reading.hpp"
#include "daemon/engine.hpp"
#include "daemon/polkit.hpp"
#include "io/bus.hpp"
#include "io/event.hpp"

namespace mirrord {

class BusService {
 public:
  struct Context {
    std::string address;  ///< "system", "user", "none" or a D-Bus address
    std::string config_directory;
    /// Reloads the configuration; told later how that went.
    std::function<void(ConfigReading::Done)> reload;
    /// Called once: the name is owned, or there is no bus for the time being.
    std::function<void()> settled;
  };

  BusService(Loop& loop, Engine& engine, Context context);
  ~BusService();
  BusService(const BusService&) = delete;
  BusService& operator=(const BusService&) = delete;

  /// Tells the bus what is different.
  void changed(const Status& before, const Status& after);

  const Status& status() const { return engine_.status(); }
  const std::string& config_directory() const { return context_.config_directory; }

  // Methods; 1 = replied, or to be replied to later; negative errno with the error set.
  using Work = std::function<int(sd_bus_message* call, sd_bus_error* error)>;
  /// Does the work at once for root, for others when polkit says yes.
  int authorize(sd_bus_message* call, Work work, sd_bus_error* error);
  int reload(sd_bus_message* call);
  int act(sd_bus_message* call, const std::string& group, const std::string& target,
          const std::function<Engine::Found(Engine&)>& action, sd_bus_error* error);
  int explain(sd_bus_message* call, const std::string& group, const std::string& path,
              sd_bus_error* error);
  int checkpoint(sd_bus_message* call);
  /// Replies when all is compared.
  int verify(sd_bus_message* call, const std::string& group, const std::string& target,
             sd_bus_error* error);

 private:
  void connect();
  int try_connect();
  int publish_objects();
  void lost(const std::string& why);
  void settle();

  Loop& loop_;
  Engine& engine_;
  Context context_;
  Bus bus_;
  Polkit polkit_;  // after the bus: its questions end first
  Source retry_timer_;
  Duration retry_delay_;
  bool settled_ = false;
};

}  // namespace mirrord
