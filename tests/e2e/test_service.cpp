// How mirrord behaves to its service manager: ready, status, reload, watchdog, stop.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "e2e/lab.hpp"

namespace mirrord::test {
namespace {

/// A stop takes no longer than this; DESIGN section 3.
constexpr milliseconds kStopLimit{5000};

class Service : public Lab {
 protected:
  void SetUp() override {
    Lab::SetUp();
    if (!IsSkipped()) make_story();
  }

  void begin() {
    configure({.targets = {local_target("copy")}});
    start();
    ASSERT_TRUE(arrives("first sync", {"copy"}));
  }

  /// Below org/many, a source of its own.
  void make_many_directories(size_t count) const {
    fs::create_directories(dir / "org/many");
    for (size_t i = 0; i < count; ++i) fs::create_directory(dir / "org/many" / std::to_string(i));
  }

  bool logged(const std::string& text) const {
    return daemon->log().find(text) != std::string::npos;
  }

  /// The next reading of the configuration waits for a file, as on a dead network mount: a lease
  /// keeps others from opening it, fcntl(2). Closing the descriptor ends that.
  int hang_a_reading() {
    const fs::path patterns = dir / "patterns";
    write_file(patterns, "");
    ::signal(SIGIO, SIG_IGN);  // how the lease is asked back
    const int lease = ::open(patterns.c_str(), O_RDWR | O_CLOEXEC);
    EXPECT_EQ(0, ::fcntl(lease, F_SETLEASE, F_WRLCK));
    configure({.targets = {local_target("copy")},
               .settings = "exclude_from = \"" + patterns.native() + "\"\n"});
    return lease;
  }
  static bool is_reading(int lease) {
    return wait_until([&] { return ::fcntl(lease, F_GETLEASE) != F_WRLCK; });
  }
  int hang_a_reload() {
    const int lease = hang_a_reading();
    daemon->signal(SIGHUP);
    EXPECT_TRUE(is_reading(lease));
    return lease;
  }

  /// A program in place of rsync that hangs once `armed` exists, its process id in `hanging`.
  std::string hanging_rsync(const std::string& preparation) const {
    return rsync_script(filled(R"(#!/bin/bash
[[ -e @HERE@/armed ]] || exec rsync "$@"
@PREPARATION@
echo $$ >@HERE@/hanging
while :; do sleep 0.2; done
)",
                               {{"PREPARATION", preparation}}));
  }

  void stops_while_a_transfer_hangs(const std::string& preparation) {
    configure({.targets = {local_target("copy")}, .settings = hanging_rsync(preparation)});
    start();
    ASSERT_TRUE(arrives("first sync", {"copy"}));
    write_file(dir / "armed", "");
    write_file(source / "new", "new\n");
    ASSERT_TRUE(wait_until([&] { return !read_file(dir / "hanging").empty(); }));
    const std::vector<pid_t> children = descendants(daemon->pid());
    ASSERT_FALSE(children.empty());

    const Stopwatch watch;
    EXPECT_EQ(0, daemon->terminate());
    EXPECT_LE(watch.elapsed(), kStopLimit);
    EXPECT_EQ(1u, daemon->notify().count("STOPPING=1"));
    for (const pid_t child : children) EXPECT_FALSE(process_exists(child)) << child;
  }
};

TEST_F(Service, TellsReadyAndStatusAndStopping) {
  begin();
  EXPECT_EQ(1u, daemon->notify().count("READY=1"));
  EXPECT_TRUE(wait_until([&] { return !daemon->notify().last("STATUS").empty(); }));
  EXPECT_EQ(0u, daemon->notify().count("STOPPING=1"));
  EXPECT_EQ(0, daemon->terminate(kStopLimit));
  EXPECT_EQ(1u, daemon->notify().count("STOPPING=1"));
}

TEST_F(Service, ALongStartAsksForMoreTime) {
  make_many_directories(1000);  // more than one turn of the loop looks at
  source = dir / "org/many";
  begin();
  EXPECT_EQ(1u, daemon->notify().count("EXTEND_TIMEOUT_USEC=120000000"));
}

TEST_F(Service, AShortStartDoesNot) {
  begin();
  EXPECT_EQ("", daemon->notify().last("EXTEND_TIMEOUT_USEC"));
}

TEST_F(Service, InterruptEndsItToo) {
  begin();
  daemon->signal(SIGINT);
  EXPECT_TRUE(wait_until([&] { return !daemon->running(); }, kStopLimit));
  EXPECT_EQ(0, daemon->terminate());
}

TEST_F(Service, OnceIsNoSuccessWhenItIsInterrupted) {
  configure({.targets = {local_target("copy")}, .settings = hanging_rsync(":")});
  write_file(dir / "armed", "");
  daemon = std::make_unique<Mirrord>(
      dir, Mirrord::Options{.config_dir = config_dir(), .arguments = {"--once"}});
  ASSERT_TRUE(wait_until([&] { return !read_file(dir / "hanging").empty(); }));
  EXPECT_EQ(1, daemon->terminate());
}

TEST_F(Service, StatusTellsWhatIsWrong) {
  configure({.targets = {ssh_target("tgt1"), local_target("copy")},
             .settings = "retry = { max = \"1s\" }\n"});
  server("tgt1").stop();
  start();
  EXPECT_TRUE(wait_until([&] {
    return daemon->notify().last("STATUS").find("tgt1") != std::string::npos;
  })) << daemon->notify().last("STATUS");
  server("tgt1").start();
  EXPECT_TRUE(wait_until([&] {
    return daemon->notify().last("STATUS").find("tgt1") == std::string::npos;
  })) << daemon->notify().last("STATUS");
}

TEST_F(Service, RunsWithoutANotifySocket) {
  configure({.targets = {local_target("copy")}});
  Mirrord foreground(dir, {.config_dir = config_dir(), .environment = {{"NOTIFY_SOCKET", ""}}});
  ASSERT_TRUE(arrives("first sync", {"copy"}));
  write_file(images / "new.png", "new\n");
  ASSERT_TRUE(arrives("a change", {"copy"}));
  EXPECT_EQ(0, foreground.terminate(kStopLimit));
}

TEST_F(Service, PingsTheWatchdog) {
  configure({.targets = {local_target("copy")}});
  start({}, {{"WATCHDOG_USEC", "1000000"}});
  EXPECT_TRUE(wait_until([&] { return daemon->notify().count("WATCHDOG=1") >= 3; }));
}

TEST_F(Service, StopsWhileATransferHangs) { stops_while_a_transfer_hangs(":"); }

TEST_F(Service, StopsWhileATransferIgnoresTheSignal) {
  stops_while_a_transfer_hangs("trap '' TERM INT HUP");
}

TEST_F(Service, HangupAddsATarget) {
  begin();
  configure({.targets = {local_target("copy"), ssh_target("added")}});
  daemon->signal(SIGHUP);
  ASSERT_TRUE(arrives("the added target", {"copy", "added"}));
  EXPECT_TRUE(wait_until([&] { return daemon->notify().count("READY=1") == 2; }));
  EXPECT_EQ(1u, daemon->notify().count("RELOADING=1"));
  write_file(images / "new.png", "new\n");
  ASSERT_TRUE(arrives("a change", {"copy", "added"}));
}

TEST_F(Service, AReloadIsOverWhenAllIsWatched) {
  begin();
  make_many_directories(5000);
  configure({.targets = {local_target("other")}, .name = "other", .source = dir / "org/many"});
  daemon->signal(SIGHUP);
  ASSERT_TRUE(wait_until([&] { return daemon->notify().count("READY=1") == 2; }));
  EXPECT_EQ("watching", client().text(group_object("other"), "State"));
  EXPECT_EQ(5001u, client().number(group_object("other"), "WatchedDirectories"));
  EXPECT_EQ(1u, daemon->notify().count("RELOADING=1"));
}

TEST_F(Service, AReloadThatHangsHoldsUpNothingElse) {
  begin();
  const int file = hang_a_reload();
  write_file(images / "new.png", "new\n");
  ASSERT_TRUE(arrives("a change meanwhile", {"copy"}));
  EXPECT_EQ(1u, client().paths(manager_object(), "Groups").size());
  EXPECT_EQ(1u, daemon->notify().count("RELOADING=1"));
  EXPECT_EQ(1u, daemon->notify().count("READY=1")) << "it is not over";

  ASSERT_EQ(6, ::write(file, "*.tmp\n", 6));
  ::close(file);
  ASSERT_TRUE(wait_until([&] { return daemon->notify().count("READY=1") == 2; }));
  write_file(images / "left-out.tmp", "");
  write_file(images / "last.png", "last\n");
  ASSERT_TRUE(holds(copy("copy") / "images/last.png", "last\n"));
  EXPECT_FALSE(fs::exists(copy("copy") / "images/left-out.tmp"));
}

TEST_F(Service, AReloadDuringTheStartIsOne) {
  const int file = hang_a_reading();
  daemon = std::make_unique<Mirrord>(dir, Mirrord::Options{.config_dir = config_dir()});
  ASSERT_TRUE(is_reading(file));
  daemon->signal(SIGHUP);
  ::close(file);
  ASSERT_TRUE(arrives("first sync", {"copy"}));
  EXPECT_TRUE(wait_until([&] { return logged("configuration reloaded"); }));
}

TEST_F(Service, AReloadDuringAReloadIsOverWhenBothAre) {
  begin();
  const int file = hang_a_reload();
  EXPECT_EQ(1u, daemon->notify().count("RELOADING=1"));
  fs::remove(dir / "patterns");
  write_file(dir / "patterns", "*.tmp\n");
  make_many_directories(1000);
  configure({.targets = {local_target("other")}, .name = "other", .source = dir / "org/many"});
  daemon->signal(SIGHUP);
  ASSERT_TRUE(wait_until([&] { return daemon->notify().count("RELOADING=1") == 2; }));
  EXPECT_EQ(1u, daemon->notify().count("READY=1")) << "it is not over";

  ::close(file);
  ASSERT_TRUE(wait_until([&] { return daemon->notify().count("READY=1") == 2; }));
  EXPECT_EQ("watching", client().text(group_object("other"), "State"));
}

TEST_F(Service, ReloadsARelativeDirectory) {
  configure({.targets = {local_target("copy")}});
  daemon = std::make_unique<Mirrord>(
      dir, Mirrord::Options{.config_dir = "etc",
                            .bus = bus().address(),
                            .wrapper = {"env", "--chdir=" + dir.path().native()}});
  daemon->wait_ready();
  EXPECT_EQ(config_dir(), client().text(manager_object(), "ConfigDirectory"));
  configure({.targets = {local_target("copy"), local_target("added")}});
  daemon->signal(SIGHUP);
  ASSERT_TRUE(arrives("the added target", {"copy", "added"})) << daemon->log();
}

TEST_F(Service, AReloadLeavesTheTransfersOfOtherTargetsAlone) {
  const std::string settings = "standby = false\ndelay = \"0s\"\n" + rsync_script(R"(#!/bin/bash
if [[ $1 != --version && -e @HERE@/armed ]]; then
  name=@HERE@/transfer-$(basename "${@: -1}")
  echo $$ >$name.new && mv $name.new $name
  until [[ -e @HERE@/go ]]; do sleep 0.01; done
fi
exec rsync "$@"
)");
  configure({.targets = {local_target("copy"), local_target("removed")}, .settings = settings});
  start();
  ASSERT_TRUE(arrives("first sync", {"copy", "removed"}));
  write_file(dir / "armed", "");
  write_file(images / "new.png", "new\n");
  for (const auto* name : {"transfer-copy", "transfer-removed"})
    ASSERT_TRUE(wait_until([&] { return fs::exists(dir / name); })) << name;
  const pid_t kept = std::stoi(read_file(dir / "transfer-copy"));
  const pid_t ended = std::stoi(read_file(dir / "transfer-removed"));

  configure({.targets = {local_target("copy"), local_target("added")},
             .settings = settings + "max_delay = \"7s\"\n"});
  daemon->signal(SIGHUP);
  ASSERT_TRUE(wait_until([&] { return fs::exists(dir / "transfer-added"); }));
  EXPECT_FALSE(process_exists(ended));
  EXPECT_TRUE(process_exists(kept));
  write_file(dir / "go", "");
  ASSERT_TRUE(arrives("the change", {"copy", "added"}));
  EXPECT_FALSE(fs::exists(copy("removed") / "images/new.png"));
}

TEST_F(Service, StopsWhileAReloadHangs) {
  begin();
  const int file = hang_a_reload();
  EXPECT_EQ(0, daemon->terminate(kStopLimit));
  ::close(file);
}

TEST_F(Service, HangupRemovesATargetAndAGroup) {
  configure({.targets = {local_target("copy"), local_target("removed")}});
  configure({.targets = {local_target("other")}, .name = "other", .source = images});
  start();
  ASSERT_TRUE(arrives("first sync", {"copy", "removed"}));
  ASSERT_TRUE(wait_until([&] { return fs::exists(copy("other") / "logo.png"); }));

  configure({.targets = {local_target("copy")}});
  fs::remove(config_dir() / "other.toml");
  daemon->signal(SIGHUP);
  ASSERT_TRUE(wait_until([&] { return daemon->notify().count("READY=1") == 2; }));
  write_file(images / "new.png", "new\n");
  ASSERT_TRUE(arrives("a change", {"copy"}));
  EXPECT_FALSE(fs::exists(copy("removed") / "images/new.png"));
  EXPECT_FALSE(fs::exists(copy("other") / "new.png"));
  EXPECT_EQ(1u, client().paths(manager_object(), "Groups").size());
}

TEST_F(Service, HangupWithABadFileChangesNothing) {
  begin();
  const std::string bad = config_dir() / "zz-bad.toml";
  put_config("zz-bad.toml", "[groups.bad]\nsource = \"relative\"\ntargets = [\"/x\"]\n");
  daemon->signal(SIGHUP);
  EXPECT_TRUE(wait_until([&] { return logged(bad + ":2:"); }));
  EXPECT_TRUE(wait_until([&] { return daemon->notify().count("READY=1") == 2; }));
  write_file(images / "new.png", "new\n");
  ASSERT_TRUE(arrives("a change, by the old configuration", {"copy"}));

  fs::remove(bad);
  daemon->signal(SIGHUP);
  EXPECT_TRUE(wait_until([&] { return daemon->notify().count("READY=1") == 3; }));
  append_file(images / "new.png", "more\n");
  ASSERT_TRUE(arrives("a change after the file is mended", {"copy"}));
}

TEST_F(Service, HangupReadsANewSource) {
  begin();
  const fs::path second = dir / "org/second";
  run_ok({"cp", "-aL", source, second});
  write_file(second / "only-here", "only here\n");
  source = second;
  configure({.targets = {local_target("copy")}});
  daemon->signal(SIGHUP);
  ASSERT_TRUE(arrives("the other source", {"copy"}));
  write_file(second / "new", "new\n");
  ASSERT_TRUE(arrives("a change in it", {"copy"}));
}

TEST_F(Service, LogNamesGroupAndTargetOfAFailure) {
  configure({.targets = {ssh_target("tgt1")}, .settings = "retry = { max = \"1s\" }\n"});
  server("tgt1").stop();
  start();
  EXPECT_TRUE(wait_until([&] { return logged("tgt1") && logged("Connection refused"); }))
      << daemon->log();
}

/// The core's test tells the hours of a day; here the failures are real ones.
TEST_F(Service, LogOfAnOutageIsBounded) {
  configure({.targets = {ssh_target("tgt1")},
             .settings = "retry = { initial = \"100ms\", max = \"100ms\" }\n"});
  server("tgt1").stop();
  start();
  const auto failures = [&] {
    return client().number(target_object("web", "tgt1"), "ConsecutiveFailures");
  };
  ASSERT_TRUE(wait_until([&] { return failures() >= 8; })) << daemon->log();
  const std::string log = daemon->log();
  size_t lines = 0;
  for (size_t at = log.find("Connection refused"); at != std::string::npos;
       at = log.find("Connection refused", at + 1))
    ++lines;
  EXPECT_EQ(1u, lines) << log;

  server("tgt1").start();
  ASSERT_TRUE(arrives("after the outage", {"tgt1"}));
  EXPECT_TRUE(wait_until([&] { return logged("web/tgt1: recovered"); })) << daemon->log();
}

}  // namespace
}  // namespace mirrord::test
