// What clients of org.mirrord1 may rely on: the interface files, JSON, who may do what, the log.
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "e2e/lab.hpp"

namespace mirrord::test {
namespace {

using Json = nlohmann::json;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// From "<interface name="NAME">" to its end, as introspection and the files have it.
std::string interface_in(const std::string& xml, const std::string& name) {
  const size_t start = xml.find(" <interface name=\"" + name + "\">");
  if (start == std::string::npos) return "";
  constexpr std::string_view kEnd = "</interface>\n";
  return xml.substr(start, xml.find(kEnd, start) + kEnd.size() - start);
}

std::string interface_file(const std::string& name) {
  return read_file(fs::path(MIRRORD_SOURCE_DIR) / "etc/interfaces" / (name + ".xml"));
}

class Contract : public Lab {
 protected:
  void SetUp() override {
    Lab::SetUp();
    if (IsSkipped()) return;
    if (!find_program("busctl")) GTEST_SKIP() << "busctl is not installed";
    make_story();
    configure({.targets = {local_target("copy"), local_target("other")}});
    start();
    ASSERT_TRUE(arrives("first sync", {"copy", "other"}));
    ASSERT_TRUE(target_becomes("copy", "idle"));
    ASSERT_TRUE(target_becomes("other", "idle"));
  }

  Finished busctl(Arguments arguments, const Arguments& as = {}) {
    Arguments all = as;
    all.insert(all.end(), {"busctl", "--address=" + bus().address(), "--no-pager"});
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run(all);
  }

  Finished busctl_as_nobody(const Arguments& arguments) {
    return busctl(arguments, {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"});
  }

  /// The only string that a method without arguments answers with.
  Json describe(const BusObject& object) {
    const Finished call =
        busctl({"--json=short", "call", "org.mirrord1", object.path, object.interface, "Describe"});
    EXPECT_EQ(0, call.status) << call.err;
    return Json::parse(Json::parse(call.out)["data"][0].get<std::string>());
  }

  Finished log_control(const Arguments& arguments, bool as_nobody = false) {
    Arguments all{arguments.front(), "org.mirrord1", "/org/freedesktop/LogControl1",
                  "org.freedesktop.LogControl1"};
    all.insert(all.end(), arguments.begin() + 1, arguments.end());
    return as_nobody ? busctl_as_nobody(all) : busctl(all);
  }

  bool logged(const std::string& text) const { return contains(daemon->log(), text); }
};

/// When this fails after a change of the vtables: busctl introspect --xml-interface org.mirrord1
/// PATH prints what belongs into the file.
TEST_F(Contract, InterfaceFilesAreTheInterfaces) {
  for (const auto& object : {manager_object(), group_object("web"), target_object("web", "copy")}) {
    const Finished answer = busctl({"introspect", "--xml-interface", "org.mirrord1", object.path});
    const std::string expected = interface_in(answer.out, object.interface);
    ASSERT_NE("", expected) << answer.out << answer.err;
    EXPECT_EQ(expected, interface_in(interface_file(object.interface), object.interface));
  }
}

TEST_F(Contract, ManualNamesEveryMember) {
  const std::string manual = read_file(fs::path(MIRRORD_SOURCE_DIR) / "man/org.mirrord1.5");
  const std::regex property("<property name=\"([^\"]*)\" type=\"([^\"]*)\"");
  const std::regex method("<method name=\"([^\"]*)\"");
  for (const auto& object : {manager_object(), group_object("web"), target_object("web", "copy")}) {
    const size_t synopsis = manual.find("\n" + object.interface + "\n");
    ASSERT_NE(std::string::npos, synopsis) << object.interface;
    const std::string members = manual.substr(synopsis, manual.find("\n.Ed", synopsis) - synopsis);
    const std::string xml = interface_file(object.interface);
    const auto each = [&](const std::regex& what, const auto& pattern_of) {
      for (std::sregex_iterator one(xml.begin(), xml.end(), what), end; one != end; ++one)
        EXPECT_TRUE(std::regex_search(members, std::regex(pattern_of(*one)))) << (*one)[1];
    };
    each(property, [](const std::smatch& m) {
      return "\n  " + m[1].str() + " +" + m[2].str() + "(  |\n|$)";
    });
    each(method, [](const std::smatch& m) { return "\n  " + m[1].str() + "\\("; });
  }
}

TEST_F(Contract, DescribeTellsEverything) {
  const Json manager = describe(manager_object());
  EXPECT_EQ(config_dir(), manager["ConfigDirectory"].get<std::string>());
  const Json group = describe(group_object("web"));
  EXPECT_EQ("watching", group["State"]);
  const Json target = describe(target_object("web", "copy"));
  EXPECT_EQ(copy("copy"), target["Destination"].get<std::string>());
  EXPECT_EQ("idle", target["State"]);
  // One truth: the keys are the properties' names.
  const std::regex property("<property name=\"([^\"]*)\"");
  for (const auto& [json, object] :
       {std::pair(manager, manager_object()), std::pair(group, group_object("web")),
        std::pair(target, target_object("web", "copy"))}) {
    const std::string xml = interface_file(object.interface);
    for (std::sregex_iterator one(xml.begin(), xml.end(), property), end; one != end; ++one)
      EXPECT_TRUE(json.contains((*one)[1].str())) << object.interface << ' ' << (*one)[1];
  }
}

TEST_F(Contract, LogLevelIsChangedWhileItRuns) {
  EXPECT_EQ("s \"info\"\n", log_control({"get-property", "LogLevel"}).out);
  EXPECT_EQ("s \"console\"\n", log_control({"get-property", "LogTarget"}).out);
  EXPECT_EQ("s \"mirrord\"\n", log_control({"get-property", "SyslogIdentifier"}).out);
  const Finished set = log_control({"set-property", "LogLevel", "s", "warning"});
  EXPECT_EQ(0, set.status) << set.err;
  EXPECT_EQ("s \"warning\"\n", log_control({"get-property", "LogLevel"}).out);
  const size_t before = daemon->log().size();
  write_file(images / "new.png", "new\n");
  ASSERT_TRUE(arrives("a change", {"copy", "other"}));
  EXPECT_EQ("", daemon->log().substr(before)) << "lines of level info";
  const Finished wrong = log_control({"set-property", "LogLevel", "s", "loud"});
  EXPECT_NE(0, wrong.status);
  EXPECT_TRUE(contains(wrong.err, "'loud' is no log level")) << wrong.err;
  EXPECT_NE(0, log_control({"set-property", "LogTarget", "s", "printer"}).status);
  EXPECT_EQ(0, log_control({"set-property", "LogTarget", "s", "auto"}).status);
}

TEST_F(Contract, OnlyRootChangesTheLog) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be another user";
  if (!find_program("setpriv")) GTEST_SKIP() << "setpriv is not installed";
  EXPECT_EQ(0, log_control({"get-property", "LogLevel"}, true).status);
  EXPECT_NE(0, log_control({"set-property", "LogLevel", "s", "debug"}, true).status);
  EXPECT_EQ("s \"info\"\n", log_control({"get-property", "LogLevel"}).out);
}

TEST_F(Contract, ObjectsThatComeAndGoAreTold) {
  const Child monitor(
      {.arguments = {"busctl", "--address=" + bus().address(), "monitor", "org.mirrord1"},
       .output = dir / "monitor"});
  ASSERT_TRUE(wait_until([&] { return contains(monitor.output(), "Monitoring bus"); }));
  const auto told = [&](const std::string& member, const std::string& target) {
    const std::string text = monitor.output();
    const size_t signal = text.find("Member=" + member);
    return signal != std::string::npos &&
           contains(text.substr(signal), target_object("web", target).path);
  };
  configure({.targets = {local_target("copy"), local_target("added")}});
  ASSERT_EQ("", client().call(manager_object(), "Reload", "").message);
  EXPECT_TRUE(wait_until([&] { return told("InterfacesAdded", "added"); })) << monitor.output();
  EXPECT_TRUE(wait_until([&] { return told("InterfacesRemoved", "other"); })) << monitor.output();
  EXPECT_TRUE(wait_until([&] { return told("PropertiesChanged", "added"); })) << monitor.output();
}

/// What is constant of an object does not change: with another value it is another object.
TEST_F(Contract, AnObjectWithOtherConstantsIsAnotherOne) {
  const Child monitor(
      {.arguments = {"busctl", "--address=" + bus().address(), "monitor", "org.mirrord1"},
       .output = dir / "monitor"});
  ASSERT_TRUE(wait_until([&] { return contains(monitor.output(), "Monitoring bus"); }));
  const auto goes_and_comes = [&](const BusObject& object, const fs::path& constant) {
    const std::string text = monitor.output();
    size_t at = 0;
    for (const std::string& part :
         {std::string("Member=InterfacesRemoved"), '"' + object.path + '"',
          std::string("Member=InterfacesAdded"), '"' + object.path + '"', constant.native()})
      at = text.find(part, at);
    return at != std::string::npos;
  };
  const std::string moved = R"({ to = ")" + copy("moved").native() + R"(", name = "copy" })";
  configure({.targets = {moved, local_target("other")}});
  ASSERT_EQ("", client().call(manager_object(), "Reload", "").message);
  EXPECT_TRUE(wait_until([&] {
    return goes_and_comes(target_object("web", "copy"), copy("moved"));
  })) << monitor.output();
  configure({.targets = {moved, local_target("other")}, .source = images});
  ASSERT_EQ("", client().call(manager_object(), "Reload", "").message);
  EXPECT_TRUE(wait_until([&] { return goes_and_comes(group_object("web"), images); }))
      << monitor.output();
}

/// At most one for each object in 100 ms, however often its state changes.
TEST_F(Contract, ChangesOfPropertiesAreGathered) {
  const Child monitor(
      {.arguments = {"busctl", "--address=" + bus().address(), "monitor", "org.mirrord1"},
       .output = dir / "monitor"});
  ASSERT_TRUE(wait_until([&] { return contains(monitor.output(), "Monitoring bus"); }));
  const auto told = [&] {
    const std::regex signal("Path=" + target_object("web", "copy").path +
                            " .*Member=PropertiesChanged");
    const std::string text = monitor.output();
    return std::distance(std::sregex_iterator(text.begin(), text.end(), signal), {});
  };
  const Stopwatch watch;
  constexpr int kEdits = 50;
  for (int i = 0; i < kEdits; ++i) {
    write_file(images / "edited.png", std::to_string(i));
    ASSERT_TRUE(wait_until(
        [&] { return read_file(copy("copy") / "images/edited.png") == std::to_string(i); }));
  }
  ASSERT_TRUE(target_becomes("copy", "idle"));
  const auto most = watch.elapsed() / milliseconds(100) + 1;
  ASSERT_TRUE(wait_until([&] { return told() > 0; })) << monitor.output();
  EXPECT_LE(told(), most) << kEdits << " edits, each of which is pending, sent and done";
}

TEST_F(Contract, ComesBackWhenTheBusIsRestarted) {
  client_.reset();
  bus_.reset();
  write_file(images / "new.png", "new\n");
  ASSERT_TRUE(arrives("a change without a bus", {"copy", "other"}));
  bus();
  EXPECT_TRUE(wait_until([&] {
    return run_mirrorctl({"--bus", bus().address(), "status"}).status == 0;
  })) << daemon->log();
  EXPECT_EQ("idle", target_state("copy"));
}

TEST_F(Contract, JoinsABusThatAppearsLater) {
  stop();
  client_.reset();
  const std::string address = bus().address();
  bus_.reset();
  daemon =
      std::make_unique<Mirrord>(dir, Mirrord::Options{.config_dir = config_dir(), .bus = address});
  daemon->wait_ready();
  bus();
  EXPECT_TRUE(wait_until([&] {
    return run_mirrorctl({"--bus", address, "status"}).status == 0;
  })) << daemon->log();
}

/// Nobody's calls, with a program in place of polkitd.
class WithPolkit : public Contract {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be another user";
    if (!find_program("setpriv")) GTEST_SKIP() << "setpriv is not installed";
    Contract::SetUp();
  }

  void polkit_says(const std::string& answer) {
    polkit.emplace(Child::Command{.arguments = {MIRRORD_FAKE_POLKIT, bus().address(), answer},
                                  .output = dir / ("polkit-" + answer)});
    ASSERT_TRUE(wait_until([&] { return contains(polkit->output(), "ready"); }));
  }

  Arguments sync_call() const {
    return {"call", "org.mirrord1", "/org/mirrord1", "org.mirrord1.Manager", "Sync", "ssb",
            "web",  "copy",         "true"};
  }

  /// Nobody's call, or that of another user who is not root, on its way.
  std::unique_ptr<Child> nobody_asks(const std::string& user = "nobody") {
    Arguments call = sync_call();
    call.insert(call.begin(), {"setpriv", "--reuid=" + user, "--regid=65534", "--clear-groups",
                               "busctl", "--address=" + bus().address()});
    return std::make_unique<Child>(Child::Command{.arguments = call, .output = dir / "asks"});
  }

  size_t polkit_heard(const std::string& text) const {
    const std::string heard = polkit->output();
    size_t times = 0;
    for (size_t at = heard.find(text); at != std::string::npos; at = heard.find(text, at + 1))
      ++times;
    return times;
  }

  std::optional<Child> polkit;
};

TEST_F(WithPolkit, AllowsWhatPolkitAllows) {
  polkit_says("yes");
  ASSERT_TRUE(fs::remove(copy("copy") / "images/logo.png"));
  const Finished sync = busctl_as_nobody(sync_call());
  EXPECT_EQ(0, sync.status) << sync.err;
  ASSERT_TRUE(arrives("a full sync by nobody", {"copy"}));
  EXPECT_TRUE(contains(polkit->output(), "org.mirrord1.manage")) << polkit->output();

  const BusObject target = target_object("web", "copy");
  ASSERT_TRUE(fs::remove(copy("copy") / "images/logo.png"));
  const Finished one = busctl_as_nobody(
      {"call", "org.mirrord1", target.path, target.interface, "Sync", "b", "true"});
  EXPECT_EQ(0, one.status) << one.err;
  ASSERT_TRUE(arrives("Target.Sync by nobody", {"copy"}));

  const Finished unknown =
      busctl_as_nobody({"call", "org.mirrord1", "/org/mirrord1", "org.mirrord1.Manager", "Sync",
                        "ssb", "nosuch", "", "false"});
  EXPECT_TRUE(contains(unknown.err, "No such group")) << unknown.err;
}

TEST_F(WithPolkit, LetsOthersSetTheLogLevel) {
  polkit_says("yes");
  const Finished level = log_control({"set-property", "LogLevel", "s", "warning"}, true);
  EXPECT_EQ(0, level.status) << level.err;
  EXPECT_EQ("s \"warning\"\n", log_control({"get-property", "LogLevel"}).out);
  EXPECT_EQ("org.mirrord1.manage 0\n", polkit->output().substr(sizeof "ready"));
  EXPECT_EQ(0, log_control({"set-property", "LogTarget", "s", "console"}, true).status);

  const Finished wrong = log_control({"set-property", "LogLevel", "s", "loud"}, true);
  EXPECT_TRUE(contains(wrong.err, "'loud' is no log level")) << wrong.err;
  const Finished number = log_control({"set-property", "LogLevel", "u", "7"}, true);
  EXPECT_TRUE(contains(number.err, "the value must be a string")) << number.err;
  EXPECT_NE(0, log_control({"set-property", "SyslogIdentifier", "s", "x"}, true).status);
  EXPECT_EQ("s \"warning\"\n", log_control({"get-property", "LogLevel"}).out);
}

TEST_F(WithPolkit, RefusesWhatPolkitRefuses) {
  polkit_says("no");
  const Finished level = log_control({"set-property", "LogLevel", "s", "debug"}, true);
  EXPECT_TRUE(contains(level.err, "Access denied")) << level.err;
  EXPECT_EQ("s \"info\"\n", log_control({"get-property", "LogLevel"}).out);
  const Finished sync = busctl_as_nobody(sync_call());
  EXPECT_NE(0, sync.status);
  EXPECT_TRUE(contains(sync.err, "Access denied")) << sync.err;
}

TEST_F(WithPolkit, GoesOnWhilePolkitThinks) {
  polkit_says("never");
  const std::unique_ptr<Child> waits = nobody_asks();
  ASSERT_TRUE(wait_until([&] { return polkit_heard("org.mirrord1.manage") == 1; }));
  write_file(images / "new.png", "new\n");
  ASSERT_TRUE(arrives("a change", {"copy", "other"}));
  EXPECT_TRUE(wait_until([&] { return target_state("other") == "idle"; }));
}

TEST_F(WithPolkit, ForgetsWhoHasLeft) {
  polkit_says("never");
  constexpr size_t kMost = 16;  // org.mirrord1(5), LimitsExceeded
  std::vector<std::unique_ptr<Child>> callers;
  while (callers.size() < kMost) callers.push_back(nobody_asks());
  ASSERT_TRUE(wait_until([&] { return polkit_heard("org.mirrord1.manage") == kMost; }));
  const Finished refused = busctl_as_nobody(sync_call());
  EXPECT_TRUE(contains(refused.err, "too many questions")) << refused.err;
  const std::unique_ptr<Child> other = nobody_asks("daemon");
  EXPECT_TRUE(wait_until([&] { return polkit_heard("org.mirrord1.manage") == kMost + 1; }))
      << "another user can ask";

  callers.clear();
  EXPECT_TRUE(wait_until([&] { return polkit_heard("cancelled") == kMost; }));
  const std::unique_ptr<Child> next = nobody_asks();
  EXPECT_TRUE(wait_until([&] { return polkit_heard("org.mirrord1.manage") == kMost + 2; }));
}

}  // namespace
}  // namespace mirrord::test
