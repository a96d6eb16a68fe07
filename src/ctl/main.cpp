// mirrorctl(1): options, then one verb.
#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <system_error>

#include "ctl/import_lsyncd.hpp"
#include "ctl/verbs.hpp"

namespace {

using namespace mirrord;

struct Options {
  BusClient::Address address;
  std::string selection;
  SyncOptions sync;
  std::string timeout;
  std::string config_directory = "/etc/mirrord";
  std::string lsyncd_config;
  std::optional<std::string> lsyncd_user;
  std::string group, path;
  bool json = false;
  bool trust = false;
};

/// GROUP, GROUP/TARGET or nothing. A group's name has no slash, a target's may.
Selection parse_selection(const std::string& text) {
  size_t slash = text.find('/');
  if (slash == std::string::npos) return {text, ""};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

std::string fault_of_selection(const std::string& text) {
  bool good = !text.empty() && text.front() != '/' && text.find('/') != text.size() - 1;
  return good ? "" : "'" + text + "' is neither GROUP nor GROUP/TARGET";
}

/// "" is what a script passes whose variable is not set.
std::string fault_of_text(const std::string& text) { return text.empty() ? "it is empty" : ""; }

void describe(CLI::App& app, Options& options) {
  app.set_version_flag("--version", "mirrorctl " MIRRORD_VERSION);
  app.fallthrough();  // --bus and -H may also follow the verb
  app.require_subcommand(0, 1);
  auto* bus = app.add_option("--bus", options.address.bus, "system, user or a D-Bus address")
                  ->type_name("BUS")
                  ->capture_default_str();
  auto* host =
      app.add_option("-H,--host", options.address.host, "Ask the daemon of another host, by ssh")
          ->type_name("[USER@]HOST")
          ->check(CLI::Validator(fault_of_text, ""))
          ->excludes(bus);
  auto add_selection = [&](CLI::App* verb) {
    verb->add_option("SELECTION", options.selection, "GROUP or GROUP/TARGET; all when left out")
        ->type_name("")
        ->check(CLI::Validator(fault_of_selection, ""));
  };
  auto add_config_directory = [&](CLI::App* verb) {
    verb->add_option("--config-dir", options.config_directory, "Directory of the *.toml files")
        ->type_name("DIR")
        ->check(CLI::Validator(fault_of_text, ""))
        ->capture_default_str();
  };
  auto add_json = [&](CLI::App* verb) { verb->add_flag("--json", options.json, "Print JSON"); };
  add_json(&app);  // of the default verb
  auto* status = app.add_subcommand("status", "Show groups and targets (the default verb)");
  add_selection(status);
  add_json(status);
  add_selection(app.add_subcommand("monitor", "The same, live"));
  auto* explain = app.add_subcommand("explain", "Tell whether a path is mirrored, and why not");
  explain->add_option("GROUP", options.group, "The group")->type_name("")->required();
  explain->add_option("PATH", options.path, "Relative to the source, or absolute")
      ->type_name("")
      ->required();
  add_json(explain);
  app.add_subcommand("metrics", "Print OpenMetrics text");
  auto* doctor = app.add_subcommand("doctor", "Look for what keeps a group from being mirrored");
  add_selection(doctor);
  add_json(doctor);
  doctor->add_flag("--trust", options.trust, "Offer to accept host keys that are not known")
      ->excludes(doctor->get_option("--json"));
  add_config_directory(doctor);
  doctor->excludes(host);
  app.add_subcommand("reload", "Load the configuration again; prints every problem");
  auto* sync =
      app.add_subcommand("sync", "Sync now, without waiting for quiet or for the next try");
  add_selection(sync);
  sync->add_flag("--full", options.sync.full, "Compare everything, not only what changed");
  sync->add_flag("--wait", options.sync.wait, "Return when it is done");
  sync->add_flag("--approve-deletes", options.sync.approve_deletes,
                 "Let a held target delete what the comparison found, once");
  auto* wait = app.add_subcommand("wait", "Wait until all changes made so far are on the targets");
  add_selection(wait);
  wait->add_option("--timeout", options.timeout, "Give up after this time, as in 30s or 5min")
      ->type_name("TIME");
  auto* verify = app.add_subcommand("verify", "Compare byte by byte and print what differs");
  add_selection(verify);
  add_json(verify);
  add_selection(app.add_subcommand("pause", "Stop transfers; changes go on being collected"));
  add_selection(app.add_subcommand("resume", "Go on with transfers"));
  auto* check = app.add_subcommand("check", "Validate the configuration; needs no daemon");
  add_config_directory(check);
  check->excludes(host);
  auto* import = app.add_subcommand("import-lsyncd", "Print the TOML for an lsyncd.conf");
  import->add_option("FILE", options.lsyncd_config, "The configuration of lsyncd")->required();
  import->add_option("--user", options.lsyncd_user, "Run the transfers of all groups as this user");
  import->excludes(host);
}

/// The option of the default verb is accepted behind every other.
void refuse_json(const CLI::App& app) {
  const auto verbs = app.get_subcommands();
  if (!verbs.empty() && !verbs.front()->get_option_no_throw("--json"))
    throw Failure(Exit::usage, "'mirrorctl " + verbs.front()->get_name() + "' prints no JSON");
}

Exit run(const CLI::App& app, const Options& options) {
  if (options.json) refuse_json(app);
  Selection selection = parse_selection(options.selection);
  if (app.got_subcommand("check")) return check_config(options.config_directory);
  if (app.got_subcommand("import-lsyncd"))
    return import_lsyncd(options.lsyncd_config, options.lsyncd_user);
  if (app.got_subcommand("reload")) return reload(options.address);
  if (app.got_subcommand("sync")) return sync(options.address, selection, options.sync);
  if (app.got_subcommand("wait")) return wait(options.address, selection, options.timeout);
  if (app.got_subcommand("verify")) return verify(options.address, selection, options.json);
  if (app.got_subcommand("pause")) return pause(options.address, selection);
  if (app.got_subcommand("resume")) return resume(options.address, selection);
  if (app.got_subcommand("monitor")) return monitor(options.address, selection);
  if (app.got_subcommand("explain"))
    return explain(options.address, options.group, options.path, options.json);
  if (app.got_subcommand("metrics")) return show_metrics(options.address);
  if (app.got_subcommand("doctor"))
    return doctor(options.address, selection,
                  {options.config_directory, options.trust, options.json});
  return show_status(options.address, selection, options.json);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Asks and tells mirrord, the mirror daemon. See mirrorctl(1).", "mirrorctl");
  describe(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return static_cast<int>(app.exit(e) == 0 ? Exit::ok : Exit::usage);
  }
  try {
    Exit exit = run(app, options);
    // What was printed may be a file's whole content, as with metrics.
    const bool flushed = std::fflush(stdout) == 0;
    if (!flushed || std::ferror(stdout))
      throw Failure(Exit::failed,
                    "standard output cannot be written" +
                        (flushed ? "" : ": " + std::generic_category().message(errno)));
    return static_cast<int>(exit);
  } catch (const Failure& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return static_cast<int>(e.exit());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return static_cast<int>(Exit::failed);
  }
}
