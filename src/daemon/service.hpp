// The daemon as a whole: loop, engine, bus and signals, from start to stop.
//
// All ways to reload (SIGHUP, D-Bus, systemctl reload) end in reload(), all ways to stop in
// stop(). READY=1 goes out when the sources are watched and the bus name is owned (or there is
// no bus), and again when those of a reload are.
#pragma once

#include <string>

#include "core/config.hpp"
#include "daemon/bus_service.hpp"
#include "daemon/config_reading.hpp"
#include "daemon/engine.hpp"
#include "daemon/watchdog.hpp"
#include "io/event.hpp"
#include "io/notify.hpp"

namespace mirrord {

struct ServiceOptions {
  std::string config_directory;
  std::string bus;
  std::optional<LogLevel> log_level;  ///< given on the command line: stronger than the file's
  /// One full sync of every target, then the end.
  bool once = false;
};

class Service {
 public:
  /// The signals SIGTERM, SIGINT, SIGHUP and SIGCHLD must be blocked.
  Service(const ServiceOptions& options, const Config& config);
  /// Runs until it is told to stop; the exit code.
  int run();

 private:
  void apply(const Config& config);
  void reload(ConfigReading::Done reloaded);
  std::string take_over(const ParsedConfig& parsed);
  std::vector<std::string> undone(Instant now) const;
  void stop();
  void check_ready();
  void check_once();

  ServiceOptions options_;
  // Before the bus, which may settle while it is made.
  bool watching_ = false;
  bool bus_settled_ = false;
  bool ready_ = false;
  bool stopping_ = false;
  std::optional<notify::ReloadScope> reloading_;
  int exit_code_;
  // In order of need: the loop dies last.
  Loop loop_;
  Engine engine_;
  ConfigReading reading_;
  Watchdog watchdog_;
  BusService bus_;
  Source terminate_, interrupt_, hangup_;
};

/// Every problem of a configuration, a line each.
std::string problem_lines(const ParsedConfig& parsed);

/// Logs each diagnostic with its place.
void log_diagnostics(const ParsedConfig& parsed);

}  // namespace mirrord
