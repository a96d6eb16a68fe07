// org.mirrord1 as its clients see it: busctl, any program on the bus, and mirrorctl.
#include <unistd.h>

#include "e2e/lab.hpp"

namespace mirrord::test {
namespace {

class Bus : public Lab {
 protected:
  void SetUp() override {
    Lab::SetUp();
    if (IsSkipped()) return;
    make_story();
    configure({.targets = {local_target("copy"), ssh_target("tgt1")}});
    start();
    ASSERT_TRUE(arrives("first sync", {"copy", "tgt1"}));
    ASSERT_TRUE(target_becomes("copy", "idle"));
    ASSERT_TRUE(target_becomes("tgt1", "idle"));
  }

  Finished busctl(Arguments arguments) {
    arguments.insert(arguments.begin(), {"busctl", "--address=" + bus().address(), "--no-pager"});
    return run(arguments);
  }

  Finished mirrorctl(Arguments arguments) {
    arguments.insert(arguments.begin(), {"--bus", bus().address()});
    return run_mirrorctl(arguments);
  }

  /// As any local user who is not root.
  Finished busctl_as_nobody(const Arguments& arguments) {
    Arguments all{"setpriv",        "--reuid=65534", "--regid=65534",
                  "--clear-groups", "busctl",        "--address=" + bus().address(),
                  "--no-pager"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run(all);
  }

  /// A file that only a full comparison can find missing.
  void damage(const std::string& target) const {
    ASSERT_TRUE(fs::remove(copy(target) / "images/logo.png"));
  }

  void put_bad_file() const {
    put_config("bad.toml", "[groups.bad]\nsource = \"relative\"\ntargets = [\"/x\"]\n");
  }
};

#define NEEDS(program) \
  if (!find_program(program)) GTEST_SKIP() << (program) << " is not installed"

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(Bus, BusctlShowsTheObjects) {
  NEEDS("busctl");
  const Finished tree = busctl({"tree", "org.mirrord1"});
  EXPECT_EQ(0, tree.status) << tree.err;
  for (const auto& object : {manager_object(), group_object("web"), target_object("web", "copy"),
                             target_object("web", "tgt1")}) {
    EXPECT_TRUE(contains(tree.out, object.path)) << object.path << " in\n" << tree.out;
    const Finished members = busctl({"introspect", "org.mirrord1", object.path, object.interface});
    EXPECT_EQ(0, members.status) << members.err;
    EXPECT_TRUE(contains(members.out, "property")) << members.out;
  }
  const Finished state = busctl({"get-property", "org.mirrord1", target_object("web", "copy").path,
                                 "org.mirrord1.Target", "State"});
  EXPECT_EQ("s \"idle\"\n", state.out) << state.err;
}

TEST_F(Bus, PropertiesOfTheManager) {
  const BusObject manager = manager_object();
  EXPECT_FALSE(client().text(manager, "Version").empty());
  EXPECT_EQ(config_dir(), client().text(manager, "ConfigDirectory"));
  EXPECT_GT(client().number(manager, "ConfigLoadedUSec"), 0);
  EXPECT_EQ(std::vector<std::string>{group_object("web").path}, client().paths(manager, "Groups"));
  EXPECT_EQ(0, client().number(manager, "RunningTransfers"));
  EXPECT_EQ(8, client().number(manager, "MaxTransfers"));
}

TEST_F(Bus, PropertiesOfAGroup) {
  const BusObject group = group_object("web");
  EXPECT_EQ("web", client().text(group, "Name"));
  EXPECT_EQ(source, client().text(group, "Source"));
  EXPECT_EQ("watching", client().text(group, "State"));
  EXPECT_EQ("", client().text(group, "Problem"));
  EXPECT_GE(client().number(group, "WatchedDirectories"), 5);
  EXPECT_EQ(2, client().number(group, "FollowedLinks"));
  EXPECT_EQ(2u, client().paths(group, "Targets").size());
}

TEST_F(Bus, PropertiesOfATarget) {
  const BusObject target = target_object("web", "tgt1");
  EXPECT_EQ("tgt1", client().text(target, "Name"));
  EXPECT_EQ("web", client().text(target, "Group"));
  EXPECT_EQ(login() + "@127.0.0.1:" + copy("tgt1").native(), client().text(target, "Destination"));
  EXPECT_EQ("", client().text(target, "LastError"));
  EXPECT_EQ(0, client().number(target, "Pending"));
  const auto before = client().number(target, "LastSyncUSec");
  const auto transfers = client().number(target, "Transfers");
  EXPECT_GT(before, 0);
  EXPECT_GT(transfers, 0);
  write_file(images / "new.png", "new\n");
  ASSERT_TRUE(arrives("a change", {"copy", "tgt1"}));
  EXPECT_TRUE(wait_until([&] { return client().number(target, "LastSyncUSec") > before; }));
  EXPECT_TRUE(wait_until([&] { return client().number(target, "Transfers") > transfers; }));
  EXPECT_TRUE(target_becomes("tgt1", "idle"));
}

TEST_F(Bus, FullSyncRepairsTheTarget) {
  damage("copy");
  EXPECT_EQ("", client().call(manager_object(), "Sync", "ssb", "web", "copy", 1).message);
  ASSERT_TRUE(arrives("Manager.Sync of one target", {"copy"}));
  damage("copy");
  damage("tgt1");
  EXPECT_EQ("", client().call(manager_object(), "Sync", "ssb", "", "", 1).message);
  ASSERT_TRUE(arrives("Manager.Sync of all", {"copy", "tgt1"}));
  damage("tgt1");
  EXPECT_EQ("", client().call(target_object("web", "tgt1"), "Sync", "b", 1).message);
  ASSERT_TRUE(arrives("Target.Sync", {"copy", "tgt1"}));
}

TEST_F(Bus, UnknownNamesAreErrors) {
  const BusError group = client().call(manager_object(), "Sync", "ssb", "nosuch", "", 0);
  EXPECT_EQ("org.mirrord1.Error.NoSuchGroup", group.name);
  EXPECT_TRUE(group.message.starts_with("No such group")) << group.message;
  const BusError target = client().call(manager_object(), "Sync", "ssb", "web", "nosuch", 0);
  EXPECT_EQ("org.mirrord1.Error.NoSuchTarget", target.name);
  EXPECT_TRUE(target.message.starts_with("No such target")) << target.message;
}

TEST_F(Bus, ReloadTakesAndRefuses) {
  put_bad_file();
  const BusError refused = client().call(manager_object(), "Reload", "");
  EXPECT_EQ("org.mirrord1.Error.InvalidConfig", refused.name);
  EXPECT_TRUE(contains(refused.message, (config_dir() / "bad.toml").native() + ":2:"))
      << refused.message;

  fs::remove(config_dir() / "bad.toml");
  configure({.targets = {local_target("copy"), ssh_target("tgt1"), local_target("added")}});
  EXPECT_EQ("", client().call(manager_object(), "Reload", "").message);
  EXPECT_EQ(3u, client().paths(group_object("web"), "Targets").size());
  ASSERT_TRUE(arrives("the added target", {"copy", "tgt1", "added"}));
}

TEST_F(Bus, EverybodyMayReadAndOnlyRootMayChange) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be another user";
  NEEDS("busctl");
  NEEDS("setpriv");
  const Finished read = busctl_as_nobody(
      {"get-property", "org.mirrord1", "/org/mirrord1", "org.mirrord1.Manager", "Version"});
  EXPECT_EQ(0, read.status) << read.err;
  for (const auto& call : {Arguments{"Reload"}, Arguments{"Sync", "ssb", "", "", "true"}}) {
    Arguments all{"call", "org.mirrord1", "/org/mirrord1", "org.mirrord1.Manager"};
    all.insert(all.end(), call.begin(), call.end());
    const Finished refused = busctl_as_nobody(all);
    EXPECT_NE(0, refused.status) << call.front();
    EXPECT_TRUE(contains(refused.err, "denied")) << refused.err;
  }
}

TEST_F(Bus, MirrorctlStatus) {
  for (const auto& arguments : {Arguments{}, Arguments{"status"}, Arguments{"status", "web"},
                                Arguments{"status", "web/tgt1"}}) {
    const Finished status = mirrorctl(arguments);
    EXPECT_EQ(0, status.status) << status.err;
    for (const auto* word : {"web", "tgt1", "idle"})
      EXPECT_TRUE(contains(status.out, word)) << status.out;
    EXPECT_FALSE(contains(status.out, "\x1b")) << "colours go to terminals only";
  }
  EXPECT_FALSE(contains(mirrorctl({"status", "web/tgt1"}).out, copy("copy").native()));
  EXPECT_EQ(1, mirrorctl({"status", "nosuch"}).status);
  EXPECT_EQ(1, mirrorctl({"status", "web/nosuch"}).status);
}

TEST_F(Bus, MirrorctlSync) {
  damage("tgt1");
  const Finished sync = mirrorctl({"sync", "web/tgt1", "--full"});
  EXPECT_EQ(0, sync.status) << sync.err;
  ASSERT_TRUE(arrives("mirrorctl sync web/tgt1 --full", {"tgt1"}));
  EXPECT_EQ(0, mirrorctl({"sync"}).status);
  EXPECT_EQ(0, mirrorctl({"sync", "web"}).status);
  const Finished unknown = mirrorctl({"sync", "nosuch"});
  EXPECT_EQ(1, unknown.status);
  EXPECT_TRUE(contains(unknown.err, "No such group")) << unknown.err;
}

TEST_F(Bus, MirrorctlReload) {
  const Finished reloaded = mirrorctl({"reload"});
  EXPECT_EQ(0, reloaded.status) << reloaded.err;
  put_bad_file();
  const Finished refused = mirrorctl({"reload"});
  EXPECT_EQ(1, refused.status);
  EXPECT_TRUE(contains(refused.err, (config_dir() / "bad.toml").native() + ":2:")) << refused.err;
  write_file(images / "new.png", "new\n");
  ASSERT_TRUE(arrives("a change, by the old configuration", {"copy", "tgt1"}));
}

TEST_F(Bus, ASecondDaemonSaysWhoHasTheName) {
  const TempDir elsewhere;
  Mirrord second(elsewhere, {.config_dir = config_dir(), .bus = bus().address()});
  EXPECT_TRUE(wait_until([&] { return contains(second.log(), "another mirrord has the name"); }));
}

TEST_F(Bus, MirrorctlWithoutADaemon) {
  stop();
  for (const auto* verb : {"status", "sync", "reload"}) {
    const Finished nobody_owns_the_name = mirrorctl({verb});
    EXPECT_EQ(3, nobody_owns_the_name.status) << verb << ": " << nobody_owns_the_name.err;
    const Finished no_bus =
        run_mirrorctl({"--bus", "unix:path=" + (dir / "no-bus").native(), verb});
    EXPECT_EQ(3, no_bus.status) << verb << ": " << no_bus.err;
  }
}

}  // namespace
}  // namespace mirrord::test
