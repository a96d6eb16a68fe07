// mirrord(8): options, configuration, then the service until it is told to stop.
#include <signal.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <initializer_list>
#include <map>
#include <system_error>

#include "core/bus_names.hpp"
#include "core/escape.hpp"
#include "daemon/service.hpp"
#include "io/config_dir.hpp"
#include "io/log.hpp"
#include "io/notify.hpp"
#include "io/process.hpp"

namespace {

using namespace mirrord;

constexpr int kExitUsage = 2;
constexpr int kExitConfig = 78;  // EX_CONFIG, sysexits.h(3head); RestartPreventExitStatus= names it

struct Options {
  ServiceOptions service{"/etc/mirrord", "system", std::nullopt, false};
  log::Target log_target = log::Target::automatic;
  bool check = false;
  bool gather = false;
};

/// A value by its name; another word is answered with all names.
template <class Value>
CLI::Validator one_of(const std::map<std::string, Value>& values) {
  auto convert = [&values](std::string& text) {
    if (const auto found = values.find(text); found != values.end()) {
      text = std::to_string(static_cast<int>(found->second));
      return std::string();
    }
    std::string names;
    for (const auto& [name, value] : values) names += (names.empty() ? "" : ", ") + name;
    return "'" + text + "' is none of " + names;
  };
  return {convert, ""};
}

std::string fault_of_bus(const std::string& text) {
  return text == "none" || is_bus(text)
             ? ""
             : "'" + text + "' is neither system, user, none nor a D-Bus address";
}

void describe(CLI::App& app, Options& options) {
  static const std::map<std::string, log::Target> targets{{"auto", log::Target::automatic},
                                                          {"journal", log::Target::journal},
                                                          {"stderr", log::Target::standard_error}};
  static const std::map<std::string, LogLevel> levels{
      {"emerg", LogLevel::emerg}, {"alert", LogLevel::alert},     {"crit", LogLevel::crit},
      {"err", LogLevel::err},     {"warning", LogLevel::warning}, {"notice", LogLevel::notice},
      {"info", LogLevel::info},   {"debug", LogLevel::debug}};
  app.add_option("--config-dir", options.service.config_directory, "Directory of the *.toml files")
      ->type_name("DIR")
      ->check(CLI::Validator(
          [](const std::string& text) { return text.empty() ? "it is empty" : ""; }, ""))
      ->capture_default_str();
  app.add_option("--bus", options.service.bus, "system, user, none or a D-Bus address")
      ->check(CLI::Validator(fault_of_bus, ""))
      ->capture_default_str();
  app.add_option("--log-target", options.log_target, "auto, journal or stderr")
      ->type_name("TARGET")
      ->transform(one_of(targets));
  app.add_option("--log-level", options.service.log_level, "emerg to debug; overrides log_level =")
      ->type_name("LEVEL")
      ->transform(one_of(levels));
  auto* once = app.add_flag("--once", options.service.once,
                            "One full sync of every target, then exit: 0 all in sync, 1 otherwise");
  app.add_flag("--check", options.check, "Validate the configuration and exit")->excludes(once);
  app.add_flag(kGatherOption, options.gather)->group("");  // hidden: it is for ourselves
  app.set_version_flag("--version", "mirrord " MIRRORD_VERSION);
}

/// Problems and warnings where a person looks for them: on standard error, a line each.
void print(const ParsedConfig& parsed) {
  for (const Diagnostic& diagnostic : parsed.diagnostics)
    std::fprintf(stderr, "%s%s\n", diagnostic.text().c_str(),
                 diagnostic.severity == Severity::warning ? " (warning)" : "");
}

int check(const Options& options) {
  ParsedConfig parsed = load_config(options.service.config_directory);
  print(parsed);
  return parsed.ok() ? EXIT_SUCCESS : EXIT_FAILURE;
}

/// For a daemon that reloads, see ConfigReading.
int gather(const Options& options) {
  std::string facts =
      to_bytes(gather_facts(options.service.config_directory, [](const std::string& what) {
        std::fprintf(stderr, "%s\n", escape(what).c_str());
      }));
  bool written = std::fwrite(facts.data(), 1, facts.size(), stdout) == facts.size();
  return written && std::fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/// For the loop, which takes them as events.
void block(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : signals) sigaddset(&set, signal);
  sigprocmask(SIG_BLOCK, &set, nullptr);
}

/// As the unit gives it; a shell may have left other things behind.
void set_up_process() {
  umask(022);  // the user of a group passes through our directory
  close_on_exec_above_stderr();
  signal(SIGPIPE, SIG_IGN);
  signal(SIGIO, SIG_IGN);  // a lease of ours was broken, see is_open_for_writing()
}

int run(const Options& options) {
  log::open(options.log_target, options.service.log_level.value_or(LogLevel::info));
  block({SIGHUP});  // a reload during the start is a reload
  ParsedConfig parsed = load_config(options.service.config_directory);
  log_diagnostics(parsed);
  if (!parsed.ok()) {
    log::write(LogLevel::err, "configuration refused, not starting",
               {{"MESSAGE_ID", std::string(log::message::kConfigRefused)}});
    notify::failed(EINVAL, problem_lines(parsed));
    return kExitConfig;
  }
  block({SIGTERM, SIGINT, SIGCHLD});
  set_up_process();
  Service service(options.service, *parsed.config);
  return service.run();
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Mirrors directory trees live, one way, from this host to many.", "mirrord");
  describe(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? EXIT_SUCCESS : kExitUsage;
  }
  try {
    if (options.gather) return gather(options);
    return options.check ? check(options) : run(options);
  } catch (const std::system_error& e) {
    log::write(LogLevel::crit, std::string("cannot go on: ") + e.what());
    notify::failed(e.code().value(), e.what());
    return EXIT_FAILURE;
  } catch (const std::exception& e) {
    log::write(LogLevel::crit, std::string("cannot go on: ") + e.what());
    notify::failed(EIO, e.what());
    return EXIT_FAILURE;
  }
}
