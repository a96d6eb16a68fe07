// mirrorctl's verbs that tell facts, as a person and a script use them.
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "e2e/lab.hpp"

namespace mirrord::test {
namespace {

using Json = nlohmann::json;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class Ctl : public Lab {
 protected:
  void SetUp() override {
    Lab::SetUp();
    if (IsSkipped()) return;
    make_story();
    configure({.targets = {local_target("copy"), local_target("other")},
               .settings = "exclude = [\"*.tmp\"]\n"});
    start();
    ASSERT_TRUE(arrives("first sync", {"copy", "other"}));
    ASSERT_TRUE(target_becomes("copy", "idle"));
    ASSERT_TRUE(target_becomes("other", "idle"));
  }

  Arguments on_bus(Arguments arguments) {
    arguments.insert(arguments.begin(), {"--bus", bus().address()});
    return arguments;
  }

  Finished mirrorctl(const Arguments& arguments) { return run_mirrorctl(on_bus(arguments)); }

  Finished explain(const std::string& path) { return mirrorctl({"explain", "web", path}); }
};

TEST_F(Ctl, StatusAsJson) {
  for (const auto& arguments : {Arguments{"--json"}, Arguments{"status", "--json"}}) {
    const Json all = Json::parse(mirrorctl(arguments).out);
    EXPECT_EQ("web", all["Groups"][0]["Name"]);
    EXPECT_EQ(2u, all["Groups"][0]["Targets"].size());
  }
  EXPECT_EQ("watching", Json::parse(mirrorctl({"status", "web", "--json"}).out)["State"]);
  EXPECT_EQ("idle", Json::parse(mirrorctl({"status", "web/copy", "--json"}).out)["State"]);
  EXPECT_EQ(1, mirrorctl({"status", "nosuch", "--json"}).status);
  EXPECT_EQ(1, mirrorctl({"status", "web/nosuch", "--json"}).status);
}

TEST_F(Ctl, ExplainsWhatIsMirroredAndHow) {
  const Finished through_link = explain("images/logo.png");
  EXPECT_EQ(0, through_link.status) << through_link.err;
  EXPECT_TRUE(contains(through_link.out, "images/logo.png: mirrored")) << through_link.out;
  EXPECT_TRUE(contains(through_link.out, "through the link images -> " + images.native()))
      << through_link.out;
  EXPECT_TRUE(contains(through_link.out, "copy: idle")) << through_link.out;
  const Finished real_path = explain(images / "logo.png");
  EXPECT_EQ(through_link.out, real_path.out) << real_path.err;
  EXPECT_EQ(through_link.out, explain(source / "images/logo.png").out);
}

TEST_F(Ctl, ExplainsWhatIsNot) {
  write_file(source / "a.tmp", "");
  const Finished excluded = explain("a.tmp");
  EXPECT_EQ(1, excluded.status);
  EXPECT_TRUE(contains(excluded.out, "excluded by the rule '- *.tmp'")) << excluded.out;

  fs::create_symlink("/nowhere", source / "dangling");
  const auto reason = [&](const std::string& path) {
    return Json::parse(mirrorctl({"explain", "web", path, "--json"}).out)["reason"];
  };
  EXPECT_TRUE(wait_until([&] { return reason("dangling") == "the link 'dangling' leads nowhere"; }))
      << reason("dangling");
  EXPECT_EQ("there is no such file", reason("nosuch"));
  const Finished elsewhere = explain("/proc/self");
  EXPECT_EQ(1, elsewhere.status);
  EXPECT_TRUE(contains(elsewhere.err, "not below the source")) << elsewhere.err;
  EXPECT_EQ(1, mirrorctl({"explain", "nosuch", "a"}).status);
  EXPECT_EQ(2, mirrorctl({"explain", "web"}).status);
}

TEST_F(Ctl, ExplainsWhatIsPending) {
  ASSERT_EQ("", client().call(target_object("web", "other"), "Pause", "").message);
  write_file(source / "new", "new\n");
  ASSERT_TRUE(arrives("a change", {"copy"}));
  EXPECT_TRUE(wait_until([&] {
    const std::string text = explain("new").out;
    return contains(text, "other: pending, paused") && contains(text, "copy: idle");
  })) << explain("new").out;
}

TEST_F(Ctl, ExplainsThatADeletionIsPending) {
  const auto pending = [&](const std::string& path) {
    const Json answer = Json::parse(mirrorctl({"explain", "web", path, "--json"}).out);
    return answer["targets"][1]["pending"].get<bool>();
  };
  ASSERT_EQ("", client().call(target_object("web", "other"), "Pause", "").message);
  fs::remove(source / "index.html");
  fs::rename(source / "news", dir / "elsewhere");
  EXPECT_TRUE(wait_until([&] { return pending("index.html") && pending("news"); }));
  EXPECT_TRUE(pending("news/today.html")) << "it has gone with its directory";
  EXPECT_TRUE(contains(explain("index.html").out, "other: pending, paused"));
  for (const auto* path : {"nosuch", "images/nosuch", "a.tmp"}) EXPECT_FALSE(pending(path)) << path;

  ASSERT_EQ("", client().call(target_object("web", "other"), "Sync", "b", 1).message);
  EXPECT_TRUE(pending("nosuch")) << "all is to be compared";
  EXPECT_FALSE(pending("a.tmp")) << "it is excluded";
  fs::rename(source, dir / "away");
  ASSERT_TRUE(group_becomes("source-missing"));
  EXPECT_TRUE(pending("images/logo.png"));
  EXPECT_FALSE(pending("a.tmp")) << "it is excluded";
}

TEST_F(Ctl, OddNamesAreExplained) {
  const std::string name = "odd\n\xff]*";
  write_file(source / name, "odd\n");
  const Finished odd = explain(name);
  EXPECT_EQ(0, odd.status) << odd.err;
  EXPECT_TRUE(contains(odd.out, "odd\\n\\xff]*: mirrored")) << odd.out;
}

TEST_F(Ctl, VerifyAsJson) {
  const Finished equal = mirrorctl({"verify", "web/copy", "--json"});
  EXPECT_EQ(0, equal.status) << equal.err;
  EXPECT_EQ(true, Json::parse(equal.out)["targets"][0]["equal"]);
  write_file(copy("copy") / "index.html", "changed on the target\n");
  const Finished drift = mirrorctl({"verify", "web/copy", "--json"});
  EXPECT_EQ(1, drift.status);
  EXPECT_EQ(1u, Json::parse(drift.out)["targets"][0]["drift"].size()) << drift.out;
}

TEST_F(Ctl, Metrics) {
  const Finished metrics = mirrorctl({"metrics"});
  EXPECT_EQ(0, metrics.status) << metrics.err;
  EXPECT_TRUE(
      contains(metrics.out, R"(mirrord_target_state{group="web",target="copy",state="idle"} 1)"))
      << metrics.out;
  EXPECT_TRUE(metrics.out.ends_with("# EOF\n"));
}

TEST_F(Ctl, SaysWhyNothingCanBeWritten) {
  for (const std::string verb : {"status", "metrics", "status --json", "verify --json"}) {
    const std::string command = "\"$0\" --bus \"$1\" " + verb + " >/dev/full";
    const Finished full = run({"sh", "-c", command, mirrorctl_program(), bus().address()});
    EXPECT_EQ(1, full.status) << verb;
    EXPECT_EQ("standard output cannot be written: No space left on device\n", full.err) << verb;
  }
}

TEST_F(Ctl, MonitorShowsChangesAsTheyHappen) {
  Arguments command = on_bus({"monitor"});
  command.insert(command.begin(), mirrorctl_program());
  Child monitor({.arguments = command, .output = dir / "monitor"});
  ASSERT_TRUE(wait_until([&] { return contains(monitor.output(), "copy   idle"); }));
  ASSERT_EQ("", client().call(target_object("web", "copy"), "Pause", "").message);
  EXPECT_TRUE(wait_until([&] { return contains(monitor.output(), "copy   paused"); }))
      << monitor.output();
  stop();
  EXPECT_TRUE(wait_until([&] { return contains(monitor.output(), "mirrord is not running"); }))
      << monitor.output();
  start();
  const size_t before = monitor.output().size();
  EXPECT_TRUE(wait_until([&] { return contains(monitor.output().substr(before), "idle"); }));
  monitor.signal(SIGINT);
  EXPECT_EQ(0, monitor.wait());
}

TEST_F(Ctl, MonitorEndsWithItsReader) {
  ASSERT_TRUE(target_becomes("copy", "idle"));
  Arguments command = on_bus({"monitor"});
  command.insert(command.begin(),
                 {"bash", "-c", R"("$@" | head -n 1)", "bash", mirrorctl_program()});
  Child monitor({.arguments = command, .output = dir / "monitor"});
  EXPECT_EQ(0, monitor.wait().value_or(-1)) << monitor.output();
}

/// With a program in place of ssh(1) that is on the other host at once.
TEST_F(Ctl, AsksTheDaemonOfAnotherHost) {
  if (!find_program("systemd-stdio-bridge")) GTEST_SKIP() << "there is no systemd-stdio-bridge";
  write_script(dir / "bin/ssh", "#!/bin/sh\necho \"$*\" >" + (dir / "login").native() +
                                    "\nexec systemd-stdio-bridge --bus-path=" + bus().address() +
                                    "\n");
  const std::string path = (dir / "bin").native() + ':' + std::getenv("PATH");
  for (const auto* option : {"-H", "--host"}) {
    fs::remove(dir / "login");
    const Finished far = run({mirrorctl_program(), option, "joe@far", "status"}, {{"PATH", path}});
    EXPECT_EQ(0, far.status) << far.err;
    EXPECT_TRUE(contains(far.out, "copy")) << far.out;
    EXPECT_TRUE(contains(read_file(dir / "login"), "joe@far")) << read_file(dir / "login");
  }
  write_script(dir / "bin/ssh", "#!/bin/sh\nexit 255\n");
  EXPECT_EQ(3, run({mirrorctl_program(), "-H", "far", "status"}, {{"PATH", path}}).status);
  EXPECT_EQ(2, mirrorctl({"-H", "", "status"}).status) << "not our own daemon";
}

TEST_F(Ctl, VerbsThatTellFactsNeedADaemon) {
  stop();
  for (const auto& verb : {Arguments{"status", "--json"}, Arguments{"explain", "web", "a"},
                           Arguments{"metrics"}, Arguments{"monitor"}})
    EXPECT_EQ(3, mirrorctl(verb).status) << verb.front();
}

TEST(CtlUsage, AVerbThatThereIsNot) {
  const auto refused = [](const Arguments& arguments) {
    const Finished found = run_mirrorctl(arguments);
    EXPECT_EQ(2, found.status) << found.err;
    return found.err;
  };
  EXPECT_EQ("no verb 'staus'; did you mean 'status'?\n", refused({"staus"}));
  EXPECT_EQ("no verb 'staus'; did you mean 'status'?\n", refused({"staus", "web", "--json"}));
  EXPECT_EQ("no verb 'web/copy'; see mirrorctl --help\n", refused({"web/copy"}));
  EXPECT_TRUE(contains(refused({"--nosuch"}), "--nosuch"));
  EXPECT_TRUE(contains(refused({"status", "web", "two"}), "two"));
  EXPECT_EQ(0, run_mirrorctl({"--help"}).status);
}

TEST(CtlUsage, ABusThatThereCannotBe) {
  for (const std::string bus : {"foo", "none", "", ":path=/x"}) {
    const Finished found = run_mirrorctl({"--bus", bus});
    EXPECT_EQ(2, found.status) << bus;
    EXPECT_TRUE(contains(found.err, "'" + bus + "' is neither system, user nor a D-Bus address"))
        << found.err;
  }
  EXPECT_EQ(3, run_mirrorctl({"--bus", "unix:path=/no/such/bus"}).status);
  EXPECT_EQ(2, run({mirrord_program(), "--bus", "foo", "--check"}).status);
}

/// What bash would offer behind `line`.
std::string completions(const std::string& line) {
  constexpr auto* kScript = R"(
source "$1"
COMP_LINE=$2 COMP_POINT=${#2}
_mirrorctl
printf '%s\n' "${COMPREPLY[@]}"
)";
  return run({"bash", "-c", kScript, "bash", fs::path(MIRRORD_SOURCE_DIR) / "etc/mirrorctl.bash",
              line})
      .out;
}

TEST_F(Ctl, BashCompletesVerbsOptionsAndNames) {
  const std::string command = mirrorctl_program() + " --bus " + bus().address() + " ";
  EXPECT_EQ("status\nsync\n", completions(command + "s"));
  EXPECT_EQ("--full\n", completions(command + "sync --f"));
  EXPECT_EQ("web\nweb/copy\nweb/other\n", completions(command + "sync "));
  EXPECT_EQ("web/copy\n", completions(command + "sync --full web/c"));
  EXPECT_EQ("web\n", completions(command + "explain w"));
  EXPECT_EQ("\n", completions(command + "doctor --ho")) << "it looks at this host";
}

TEST_F(Ctl, BashTakesNamesForNothingButNames) {
  const std::string bait = dir / "bait";
  stop();
  configure({.targets = {local_target("$(touch " + bait + ")"), local_target("it's b")}});
  start();
  const std::string command = mirrorctl_program() + " --bus " + bus().address() + " ";
  const std::string offered = completions(command + "sync web/");
  EXPECT_FALSE(fs::exists(bait));
  EXPECT_TRUE(contains(offered, "web/it\\'s\\ b\n")) << offered;
  EXPECT_EQ("web/it\\'s\\ b\n", completions(command + "sync web/i"));
  EXPECT_EQ("\n", completions(command + "sync it"));
}

std::set<std::string> words(const std::string& text, const std::string& pattern) {
  std::set<std::string> found;
  const std::regex regex(pattern);
  for (std::sregex_iterator one(text.begin(), text.end(), regex), end; one != end; ++one)
    found.insert((*one)[1]);
  return found;
}

TEST(Completion, KnowsTheOptionsOfEachVerb) {
  const std::string verbs = completions("mirrorctl ");
  for (const std::string& verb : words(verbs, "([a-z-]+)\n")) {
    std::set<std::string> options =
        words(run_mirrorctl({verb, "--help"}).out, "\n +(?:-.,)?(--[a-z-]+)");
    const std::set<std::string> offered = words(completions("mirrorctl " + verb + " --"), "(.+)\n");
    for (const std::string& option : options)
      EXPECT_TRUE(offered.contains(option)) << verb << ' ' << option;
  }
}

TEST(Completion, KnowsEveryVerb) {
  const std::string script = read_file(fs::path(MIRRORD_SOURCE_DIR) / "etc/mirrorctl.bash");
  std::istringstream help(run_mirrorctl({"--help"}).out);
  std::string line;
  while (std::getline(help, line) && line != "Subcommands:") continue;
  size_t verbs = 0;
  for (std::string verb; std::getline(help, line) && std::istringstream(line) >> verb; ++verbs) {
    EXPECT_TRUE(contains(script, verb)) << verb;
    EXPECT_TRUE(
        contains(read_file(fs::path(MIRRORD_SOURCE_DIR) / "man/mirrorctl.1"), ".It Cm " + verb))
        << verb << " in mirrorctl(1)";
  }
  EXPECT_GT(verbs, 9u);
}

}  // namespace
}  // namespace mirrord::test
