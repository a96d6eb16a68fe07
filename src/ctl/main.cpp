// mirrorctl(1): options, then one verb.
#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bus_names.hpp"
#include "core/escape.hpp"
#include "core/nearest.hpp"
#include "ctl/import_lsyncd.hpp"
#include "ctl/verbs.hpp"

namespace {

using namespace mirrord;

struct Options {
  BusClient::Address address;
  std::string selection;
  SyncOptions sync;
  std::string timeout;
  std::string config_directory = kConfigDirectory;
  std::string lsyncd_config;
  std::optional<std::string> lsyncd_user;
  std::string group, path;
  bool json = false;
  bool trust = false;
};

/// GROUP, GROUP/TARGET or nothing. A group's name has no slash, a target's may.
Selection selected(const Options& options) {
  const std::string& text = options.selection;
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

std::string fault_of_bus(const std::string& text) {
  return is_bus(text) ? "" : "'" + text + "' is neither system, user nor a D-Bus address";
}

// ---- what several verbs take

void add_selection(CLI::App& verb, Options& options) {
  verb.add_option("SELECTION", options.selection, "GROUP or GROUP/TARGET; all when left out")
      ->type_name("")
      ->check(CLI::Validator(fault_of_selection, ""));
}

void add_config_directory(CLI::App& verb, Options& options) {
  verb.add_option("--config-dir", options.config_directory, "Directory of the *.toml files")
      ->type_name("DIR")
      ->check(CLI::Validator(fault_of_text, ""))
      ->capture_default_str();
}

void add_json(CLI::App& verb, Options& options) {
  verb.add_flag("--json", options.json, "Print JSON");
}

void add_selection_and_json(CLI::App& verb, Options& options) {
  add_selection(verb, options);
  add_json(verb, options);
}

void add_nothing(CLI::App&, Options&) {}

/// It looks at files of this host.
void refuse_host(CLI::App& verb) { verb.excludes(verb.get_parent()->get_option("--host")); }

// ---- what one verb takes

void add_explain(CLI::App& verb, Options& options) {
  verb.add_option("GROUP", options.group, "The group")
      ->type_name("")
      ->check(CLI::Validator(fault_of_text, ""))
      ->required();
  verb.add_option("PATH", options.path, "Relative to the source, or absolute")
      ->type_name("")
      ->check(CLI::Validator(fault_of_text, ""))
      ->required();
  add_json(verb, options);
}

void add_doctor(CLI::App& verb, Options& options) {
  add_selection_and_json(verb, options);
  verb.add_flag("--trust", options.trust, "Offer to accept host keys that are not known")
      ->excludes(verb.get_option("--json"));
  add_config_directory(verb, options);
  refuse_host(verb);
}

void add_sync(CLI::App& verb, Options& options) {
  add_selection(verb, options);
  verb.add_flag("--full", options.sync.full, "Compare everything, not only what changed");
  verb.add_flag("--wait", options.sync.wait, "Return when it is done");
  verb.add_flag("--approve-deletes", options.sync.approve_deletes,
                "Let a held target delete what the comparison found, once");
}

void add_wait(CLI::App& verb, Options& options) {
  add_selection(verb, options);
  verb.add_option("--timeout", options.timeout, "Give up after this time, as in 30s or 5min")
      ->type_name("TIME")
      ->check(CLI::Validator(fault_of_text, ""));
}

void add_check(CLI::App& verb, Options& options) {
  add_config_directory(verb, options);
  refuse_host(verb);
}

void add_import(CLI::App& verb, Options& options) {
  verb.add_option("FILE", options.lsyncd_config, "The configuration of lsyncd")->required();
  verb.add_option("--user", options.lsyncd_user, "Run the transfers of all groups as this user");
  refuse_host(verb);
}

struct Verb {
  const char* name;
  const char* help;
  void (*add_options)(CLI::App& verb, Options& options);
  Exit (*run)(const Options& options);
};

/// The first is the default.
constexpr Verb kVerbs[] = {
    {"status", "Show groups and targets (the default verb)", add_selection_and_json,
     [](const Options& o) { return show_status(o.address, selected(o), o.json); }},
    {"monitor", "The same, live", add_selection,
     [](const Options& o) { return monitor(o.address, selected(o)); }},
    {"explain", "Tell whether a path is mirrored, and why not", add_explain,
     [](const Options& o) { return explain(o.address, o.group, o.path, o.json); }},
    {"metrics", "Print OpenMetrics text", add_nothing,
     [](const Options& o) { return show_metrics(o.address); }},
    {"doctor", "Look for what keeps a group from being mirrored", add_doctor,
     [](const Options& o) {
       return doctor(o.address, selected(o), {o.config_directory, o.trust, o.json});
     }},
    {"reload", "Load the configuration again; prints every problem", add_nothing,
     [](const Options& o) { return reload(o.address); }},
    {"sync", "Sync now, without waiting for quiet or for the next try", add_sync,
     [](const Options& o) { return sync(o.address, selected(o), o.sync); }},
    {"wait", "Wait until all changes made so far are on the targets", add_wait,
     [](const Options& o) { return wait(o.address, selected(o), o.timeout); }},
    {"verify", "Compare byte by byte and print what differs", add_selection_and_json,
     [](const Options& o) { return verify(o.address, selected(o), o.json); }},
    {"pause", "Stop transfers; changes go on being collected", add_selection,
     [](const Options& o) { return pause(o.address, selected(o)); }},
    {"resume", "Go on with transfers", add_selection,
     [](const Options& o) { return resume(o.address, selected(o)); }},
    {"check", "Validate the configuration; needs no daemon", add_check,
     [](const Options& o) { return check_config(o.config_directory); }},
    {"import-lsyncd", "Print the TOML for an lsyncd.conf", add_import,
     [](const Options& o) { return import_lsyncd(o.lsyncd_config, o.lsyncd_user); }},
};

void describe(CLI::App& app, Options& options) {
  app.set_version_flag("--version", "mirrorctl " MIRRORD_VERSION);
  app.fallthrough();  // --bus and -H may also follow the verb
  app.require_subcommand(0, 1);
  auto* bus = app.add_option("--bus", options.address.bus, "system, user or a D-Bus address")
                  ->type_name("BUS")
                  ->check(CLI::Validator(fault_of_bus, ""))
                  ->capture_default_str();
  app.add_option("-H,--host", options.address.host, "Ask the daemon of another host, by ssh")
      ->type_name("[USER@]HOST")
      ->check(CLI::Validator(fault_of_text, ""))
      ->excludes(bus);
  add_json(app, options);  // of the default verb
  for (const Verb& verb : kVerbs)
    verb.add_options(*app.add_subcommand(verb.name, verb.help), options);
}

/// Of what stands where a verb does, and is none; "" = the fault is another one.
std::string fault_of_verb(const CLI::App& app) {
  const std::vector<std::string> left = app.remaining();
  if (!app.get_subcommands().empty() || left.empty() || left.front().starts_with('-')) return "";
  std::vector<std::string_view> known;
  for (const Verb& verb : kVerbs) known.push_back(verb.name);
  const std::string near(nearest(left.front(), known));
  return "no verb '" + escape(left.front()) + '\'' +
         (near.empty() ? "; see mirrorctl --help" : "; did you mean '" + near + "'?");
}

/// The option of the default verb is accepted behind every other.
void refuse_json(const CLI::App& app) {
  const auto verbs = app.get_subcommands();
  if (!verbs.empty() && !verbs.front()->get_option_no_throw("--json"))
    throw Failure(Exit::usage, "'mirrorctl " + verbs.front()->get_name() + "' prints no JSON");
}

Exit run(const CLI::App& app, const Options& options) {
  if (options.json) refuse_json(app);
  for (const Verb& verb : kVerbs)
    if (app.got_subcommand(verb.name)) return verb.run(options);
  return kVerbs[0].run(options);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Asks and tells mirrord, the mirror daemon. See mirrorctl(1).", "mirrorctl");
  describe(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (const std::string fault = fault_of_verb(app); !fault.empty()) {
      std::fprintf(stderr, "%s\n", fault.c_str());
      return static_cast<int>(Exit::usage);
    }
    return static_cast<int>(app.exit(e) == 0 ? Exit::ok : Exit::usage);
  }
  try {
    Exit exit = run(app, options);
    // What was printed may be a file's whole content, as with metrics.
    const bool flushed = std::fflush(stdout) == 0;
    if (!flushed || std::ferror(stdout)) throw unwritable_output(flushed ? 0 : errno);
    return static_cast<int>(exit);
  } catch (const Failure& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return static_cast<int>(e.exit());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return static_cast<int>(Exit::failed);
  }
}
