#include "e2e/lab.hpp"

#include <iostream>

namespace mirrord::test {
namespace {

/// What rsync finds different in the copies. It has no rule for links that loop or lead nowhere,
/// so a source with such links is judged by the snapshots alone.
std::string drift(const fs::path& source, const std::vector<fs::path>& copies,
                  const Comparison& comparison) {
  Arguments options;
  if (!comparison.owners) options = {"--no-owner", "--no-group"};
  std::string lines;
  for (const auto& copy : copies) lines += rsync_drift(source, copy, comparison.links, options);
  return lines;
}

bool has_only_plain_links(const fs::path& source) {
  const auto whole = run({"find", "-L", source, "-type", "l"});  // find -L sees only broken ones
  return whole.status == 0 && whole.out.empty() && whole.err.empty();
}

}  // namespace

void Lab::SetUp() {
  for (const auto* program : {"rsync", "ssh", "ssh-keygen", "sshd", "dbus-daemon", "find"})
    if (!find_program(program)) GTEST_SKIP() << program << " is not installed";
}

void Lab::make_story() {
  write_file(source / "index.html", "<h1>contents</h1>\n");
  write_file(source / "news/today.html", "<p>news</p>\n");
  write_file(images / "logo.png", "a logo\n");
  write_file(images / "icons/home.png", "an icon\n");
  write_file(cgi_bins / "counter.cgi", "#!/bin/sh\necho 1\n");
  change_mode(cgi_bins / "counter.cgi", 0755);
  fs::create_directory_symlink("../../imgcms/images", source / "images");
  fs::create_directory_symlink("../../cgicms/cgi-bins", source / "cgi-bins");
}

SshServer& Lab::server(const std::string& target) {
  auto& server = servers[target];
  if (!server) server = std::make_unique<SshServer>(dir / ("sshd." + target));
  return *server;
}

std::string Lab::ssh_target(const std::string& target) {
  const SshServer& host = server(target);
  return filled(
      R"({ to = "@LOGIN@@127.0.0.1:@COPY@", name = "@NAME@", )"
      R"(ssh = { port = @PORT@, identity_file = "@KEY@", known_hosts_file = "@HOSTS@" } })",
      {{"LOGIN", login()},
       {"COPY", copy(target)},
       {"NAME", target},
       {"PORT", std::to_string(host.port())},
       {"KEY", host.identity_file()},
       {"HOSTS", host.known_hosts_file()}});
}

std::string Lab::local_target(const std::string& target) const {
  return filled(R"({ to = "@COPY@", name = "@NAME@" })",
                {{"COPY", copy(target)}, {"NAME", target}});
}

void Lab::configure(const GroupText& group) {
  std::string targets;
  for (const auto& target : group.targets) targets += "  " + target + ",\n";
  put_config(group.file.empty() ? group.name + ".toml" : group.file,
             filled("[groups.@NAME@]\nsource = \"@SOURCE@\"\ntargets = [\n@TARGETS@]\n@SETTINGS@",
                    {{"NAME", group.name},
                     {"SOURCE", group.source.empty() ? source : group.source},
                     {"TARGETS", targets},
                     {"SETTINGS", group.settings}}));
}

void Lab::put_config(const std::string& name, const std::string& text) const {
  write_file(config_dir() / name, text);
  change_mode(config_dir(), 0755);
  change_mode(config_dir() / name, 0644);
}

std::string Lab::rsync_script(const std::string& text) const {
  const fs::path program = dir / "rsync-script";
  write_script(program, filled(text, {{"HERE", dir.path()}}));
  return "rsync = { program = \"" + program.native() + "\" }\n";
}

Mirrord& Lab::start(Arguments arguments, Environment environment) {
  daemon.reset();
  daemon = std::make_unique<Mirrord>(dir, Mirrord::Options{.config_dir = config_dir(),
                                                           .bus = bus().address(),
                                                           .arguments = std::move(arguments),
                                                           .environment = std::move(environment)});
  daemon->wait_ready();
  return *daemon;
}

PrivateBus& Lab::bus() {
  if (!bus_) bus_.emplace(dir / "dbus");
  return *bus_;
}

BusClient& Lab::client() {
  if (!client_) client_.emplace(bus().address());
  return *client_;
}

std::string Lab::target_state(const std::string& target) {
  return client().text(target_object("web", target), "State");
}

testing::AssertionResult Lab::target_becomes(const std::string& target, const std::string& state) {
  if (wait_until([&] { return target_state(target) == state; })) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << target << " is '" << target_state(target) << "', not '" << state
         << "': " << client().text(target_object("web", target), "LastError");
}

testing::AssertionResult Lab::group_becomes(const std::string& state) {
  const BusObject group = group_object("web");
  const auto now = [&] { return client().text(group, "State"); };
  if (wait_until([&] { return now() == state; })) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "the group is '" << now() << "', not '" << state
                                     << "': " << client().text(group, "Problem");
}

testing::AssertionResult Lab::arrives(const std::string& what,
                                      const std::vector<std::string>& targets) {
  return arrives(what, targets, Comparison{});
}

testing::AssertionResult Lab::arrives(const std::string& what,
                                      const std::vector<std::string>& targets,
                                      const Comparison& comparison) {
  std::vector<fs::path> copies;
  for (const auto& target : targets) copies.push_back(copy(target));
  const Convergence result = eventually_equal(source, copies, comparison);
  if (!result.equal) return testing::AssertionFailure() << what << ":\n" << result.difference;
  std::cout << "  " << what << ": " << result.elapsed.count() << " ms\n";

  if (!has_only_plain_links(source)) return testing::AssertionSuccess();
  // Again and again here too: a batch that repeats what is there already has its moment of
  // temporary files.
  std::string lines;
  if (wait_until([&] { return (lines = drift(source, copies, comparison)).empty(); }))
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << what << ": rsync still finds\n" << lines;
}

testing::AssertionResult Lab::holds(const fs::path& file, const std::string& content) const {
  if (wait_until([&] { return fs::exists(file) && read_file(file) == content; }))
    return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << file.native() << " holds '" << read_file(file) << "', not '" << content << "'";
}

}  // namespace mirrord::test
