#include "daemon/service.hpp"

#include <fmt/format.h>

#include <filesystem>

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
      // `--once` has to see all targets in sync before it says so.
      exit_code_(options.once ? EXIT_FAILURE : EXIT_SUCCESS),
      engine_(loop_, !options.once),
      reading_(loop_,
               {options.config_directory,
                // Children start in /.
                {"/proc/self/exe", kGatherOption, "--config-dir",
                 std::filesystem::absolute(options.config_directory)}},
               [this](const ParsedConfig& parsed) { return take_over(parsed); }),
      watchdog_(loop_, [this](Instant now) { return undone(now); }),
      bus_(
          loop_, engine_,
          {options.once ? "none" : options.bus, std::filesystem::absolute(options.config_directory),
           [this](auto reloaded) { reload(std::move(reloaded)); },
           [this] {
             bus_settled_ = true;
             check_ready();
           }}) {
  terminate_ = loop_.on_signal(SIGTERM, [this] { stop(); });
  interrupt_ = loop_.on_signal(SIGINT, [this] { stop(); });
  hangup_ = loop_.on_signal(SIGHUP, [this] { reload([](const std::string&) {}); });
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

std::vector<std::string> Service::undone(Instant now) const {
  std::vector<std::string> undone = engine_.undone(now);
  if (std::string duty = reading_.undone(now); !duty.empty()) undone.push_back(std::move(duty));
  return undone;
}

int Service::run() { return loop_.run(); }

void Service::apply(const Config& config) {
  log::set_level(options_.log_level.value_or(config.limits.log_level));
  engine_.apply(config);
}

void Service::check_ready() {
  if (!watching_ || !bus_settled_ || stopping_) return;
  if (!reading_.busy()) reloading_.reset();
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

void Service::reload(ConfigReading::Done reloaded) {
  // Before READY=1 there is nothing to go back to.
  if (reloading_)
    reloading_->tell();
  else if (ready_)
    reloading_.emplace();
  reading_.ask(std::move(reloaded));
}

std::string Service::take_over(const ParsedConfig& parsed) {
  if (stopping_) return "mirrord is stopping";
  log_diagnostics(parsed);
  if (!parsed.ok()) {
    log::write(LogLevel::err, "configuration refused, keeping the old one",
               {{"MESSAGE_ID", std::string(log::message::kConfigRefused)}});
    check_ready();
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
