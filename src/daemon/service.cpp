#include "daemon/service.hpp"

#include <fmt/format.h>

#include "io/config_dir.hpp"
#include "io/log.hpp"

namespace mirrord {

std::string problem_lines(const ParsedConfig& parsed) {
  std::string lines;
  for (const Diagnostic& diagnostic : parsed.diagnostics)
    if (diagnostic.severity == Severity::problem)
      lines += (lines.empty() ? "" : "\n") + diagnostic.text();
  return lines;
}

void log_diagnostics(const ParsedConfig& parsed) {
  for (const Diagnostic& diagnostic : parsed.diagnostics) {
    bool problem = diagnostic.severity == Severity::problem;
    log::write(problem ? LogLevel::err : LogLevel::warning, diagnostic.text(),
               {{"CONFIG_FILE", diagnostic.file},
                {"CONFIG_LINE", std::to_string(diagnostic.line)},
                {"CONFIG_COLUMN", std::to_string(diagnostic.column)}});
  }
}

Service::Service(const ServiceOptions& options, const Config& config)
    : options_(options),
      engine_(loop_),
      watchdog_(loop_, [this](Instant now) { return engine_.undone(now); }),
      bus_(loop_, engine_,
           {options.once ? "none" : options.bus, options.config_directory,
            [this] { return reload(); },
            [this] {
              bus_settled_ = true;
              check_ready();
            }}) {
  terminate_ = loop_.on_signal(SIGTERM, [this] { stop(); });
  interrupt_ = loop_.on_signal(SIGINT, [this] { stop(); });
  hangup_ = loop_.on_signal(SIGHUP, [this] { reload(); });
  engine_.observe({[this](const Status& before, const Status& after) {
                     bus_.changed(before, after);
                     check_once();
                   },
                   [this] {
                     watching_ = true;
                     check_ready();
                     check_once();
                   }});
  apply(config);
}

int Service::run() { return loop_.run(); }

void Service::apply(const Config& config) {
  log::set_level(options_.log_level.value_or(config.limits.log_level));
  engine_.apply(config);
}

void Service::check_ready() {
  if (!watching_ || !bus_settled_ || stopping_) return;
  reloading_.reset();
  if (std::exchange(ready_, true)) return;
  notify::ready();
  log::write(LogLevel::info, "ready: " + summary(engine_.status()));
}

void Service::check_once() {
  if (!options_.once || !watching_ || stopping_) return;
  std::optional<bool> in_sync = all_in_sync(engine_.status());
  if (!in_sync) return;
  exit_code_ = *in_sync ? EXIT_SUCCESS : EXIT_FAILURE;
  log::write(*in_sync ? LogLevel::info : LogLevel::err, summary(engine_.status()));
  stop();
}

std::string Service::reload() {
  // Before READY=1 there is nothing to go back to.
  if (ready_) reloading_.emplace();
  ParsedConfig parsed = load_config(options_.config_directory);
  log_diagnostics(parsed);
  if (!parsed.ok()) {
    log::write(LogLevel::err, "configuration refused, keeping the old one",
               {{"MESSAGE_ID", std::string(log::message::kConfigRefused)}});
    if (watching_) reloading_.reset();
    return problem_lines(parsed);
  }
  watching_ = false;
  apply(*parsed.config);
  log::write(LogLevel::notice,
             fmt::format("configuration reloaded, {} group{}", parsed.config->groups.size(),
                         parsed.config->groups.size() == 1 ? "" : "s"),
             {{"MESSAGE_ID", std::string(log::message::kReloaded)}});
  return "";
}

void Service::stop() {
  if (std::exchange(stopping_, true)) return;
  reloading_.reset();
  notify::stopping();
  log::write(LogLevel::info, "stopping");
  engine_.stop([this] { loop_.stop(exit_code_); });
}

}  // namespace mirrord
