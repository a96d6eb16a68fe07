// What an operator does with transfers: sync --wait, wait, verify, pause, resume, --once.
#include <signal.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "e2e/transfer_lab.hpp"

namespace mirrord::test {
namespace {

class TransferVerbs : public TransferLab {
 protected:
  void begin_with(const std::vector<std::string>& targets) {
    configure({.targets = targets, .settings = kQuickRetry});
    start();
  }
  Finished once() {
    return run_mirrord(dir, {.config_dir = config_dir(), .arguments = {"--once"}});
  }
};

TEST_F(TransferVerbs, SyncWaitsForItsEnd) {
  begin_with({local_target("copy"), ssh_target("tgt1")});
  EXPECT_EQ(0, mirrorctl({"sync", "--wait"}).status);
  fs::remove(copy("copy") / "index.html");
  const Finished full = mirrorctl({"sync", "--full", "--wait", "web/copy"});
  EXPECT_EQ(0, full.status) << full.err;
  EXPECT_TRUE(fs::exists(copy("copy") / "index.html"));
  server("tgt1").stop();
  const Finished failed = mirrorctl({"sync", "--full", "--wait", "web"});
  EXPECT_EQ(1, failed.status);
  EXPECT_TRUE(contains(failed.err, "web/tgt1: retrying")) << failed.err;
  EXPECT_FALSE(contains(failed.err, "web/copy")) << failed.err;
}

TEST_F(TransferVerbs, AFullSyncTellsHowFarItIs) {
  write_file(images / "long", std::string(3'000'000, 'x'));
  configure({.targets = {local_target("copy")},
             .settings = "rsync = { bandwidth_limit = \"1M\", compress = false }\n"});
  start();
  const auto progress = [&] {
    const Finished status = mirrorctl({"status", "web/copy", "--json"});
    return nlohmann::json::parse(status.out)["Progress"].get<double>();
  };
  EXPECT_TRUE(wait_until([&] {
    const double share = progress();
    return share > 0 && share < 1;
  }));
  ASSERT_TRUE(target_becomes("copy", "idle"));
  EXPECT_EQ(-1, progress());
}

TEST_F(TransferVerbs, WaitIsForEveryChangeBeforeIt) {
  begin_with({local_target("copy"), ssh_target("tgt1")});
  for (int i = 0; i < 10; ++i) {
    const std::string text = "number " + std::to_string(i) + '\n';
    write_file(images / "logo.png", text);
    ASSERT_EQ(0, mirrorctl({"wait"}).status);
    for (const auto* target : {"copy", "tgt1"})
      EXPECT_EQ(text, read_file(copy(target) / "images/logo.png"));
  }
  server("tgt1").stop();
  write_file(images / "logo.png", "not for tgt1\n");
  EXPECT_EQ(0, mirrorctl({"wait", "web/copy"}).status);
  const Finished late = mirrorctl({"wait", "--timeout", "300ms"});
  EXPECT_EQ(1, late.status);
  EXPECT_TRUE(contains(late.err, "web/tgt1")) << late.err;
  for (const auto* wrong : {"soon", ""})
    EXPECT_EQ(2, mirrorctl({"wait", "--timeout", wrong}).status) << "a variable that is not set";
}

TEST_F(TransferVerbs, PauseAndResumeTellWhatTheyHaveChanged) {
  begin_with({local_target("copy"), local_target("other")});
  ASSERT_EQ(0, mirrorctl({"wait"}).status);
  EXPECT_EQ("paused: 1 target\n", mirrorctl({"pause", "web/copy"}).out);
  EXPECT_EQ("paused: 1 target\n", mirrorctl({"pause"}).out) << "the other one";
  EXPECT_EQ("paused: 0 targets\n", mirrorctl({"pause"}).out);
  EXPECT_EQ("resumed: 2 targets\n", mirrorctl({"resume", "web"}).out);
  EXPECT_EQ("", mirrorctl({"pause", "nosuch"}).out);
}

TEST_F(TransferVerbs, WaitEndsInTimeWhereTheDaemonHangs) {
  begin_with({local_target("copy")});
  ASSERT_EQ(0, mirrorctl({"wait"}).status);
  EXPECT_EQ(0, mirrorctl({"wait", "--timeout", "0s"}).status) << "it is asked all the same";
  daemon->signal(SIGSTOP);
  const auto start = std::chrono::steady_clock::now();
  const Finished late = mirrorctl({"wait", "--timeout", "1500ms"});
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  daemon->signal(SIGCONT);
  EXPECT_EQ(1, late.status) << late.err;
  EXPECT_TRUE(contains(late.err, "the time is over")) << late.err;
}

TEST_F(TransferVerbs, WaitOutlivesARestart) {
  begin_with({ssh_target("tgt1")});
  ASSERT_TRUE(arrives("first sync", {"tgt1"}));
  ASSERT_TRUE(target_becomes("tgt1", "idle"));
  server("tgt1").stop();
  write_file(images / "logo.png", "new\n");
  Child wait({.arguments = {mirrorctl_program(), "--bus", bus().address(), "wait"},
              .output = dir / "wait.log"});
  // The call is there when the daemon has found out that the target is gone.
  ASSERT_TRUE(target_becomes("tgt1", "retrying"));
  ASSERT_TRUE(wait.running());
  wait.signal(SIGSTOP);  // no look of its own falls between the two daemons
  stop();
  server("tgt1").start();
  start();
  wait.signal(SIGCONT);
  EXPECT_EQ(0, wait.wait().value_or(-1)) << wait.output();
  EXPECT_EQ("new\n", read_file(copy("tgt1") / "images/logo.png"));
}

TEST_F(TransferVerbs, VerifyTellsTheDrift) {
  begin_with({local_target("copy"), ssh_target("tgt1")});
  ASSERT_EQ(0, mirrorctl({"wait"}).status);
  const Finished equal = mirrorctl({"verify"});
  EXPECT_EQ(0, equal.status) << equal.err << equal.out;
  EXPECT_EQ("", equal.out);
  // Equal in size and time, and yet not the same.
  const fs::path logo = copy("tgt1") / "images/logo.png";
  const auto time = fs::last_write_time(logo);
  write_file(logo, "A LOGO\n");
  fs::last_write_time(logo, time);
  write_file(copy("tgt1") / "extra", "too much\n");
  const Finished drift = mirrorctl({"verify", "web"});
  EXPECT_EQ(1, drift.status);
  EXPECT_TRUE(contains(drift.out, "web/tgt1: ")) << drift.out;
  EXPECT_TRUE(contains(drift.out, "images/logo.png")) << drift.out;
  EXPECT_TRUE(contains(drift.out, "extra")) << drift.out;
  EXPECT_FALSE(contains(drift.out, "web/copy")) << drift.out;
  EXPECT_EQ("A LOGO\n", read_file(logo));
  server("tgt1").stop();
  const Finished dead = mirrorctl({"verify", "web/tgt1"});
  EXPECT_EQ(1, dead.status);
  EXPECT_TRUE(contains(dead.err, "could not be compared")) << dead.err;
}

TEST_F(TransferVerbs, VerifyDoesNotTakeTheUnreadableForEqual) {
  if (::geteuid() != 0) GTEST_SKIP() << "root decides what others can read";
  write_file(source / "secret", "for root only\n");
  change_mode(source / "secret", 0600);
  fs::create_directory(copy("copy"));
  run_ok({"chown", "nobody", copy("copy")});
  configure({.targets = {local_target("copy")}, .settings = "user = \"nobody\"\n"});
  start();
  ASSERT_TRUE(holds(copy("copy") / "index.html", "<h1>contents</h1>\n"));
  const Finished verified = mirrorctl({"verify"});
  EXPECT_EQ(1, verified.status) << verified.out;
  EXPECT_TRUE(contains(verified.out, "secret")) << verified.out << verified.err;
}

TEST_F(TransferVerbs, VerifyEndsWithItsCallerOrTheBus) {
  configure({.targets = {local_target("copy")},
             .settings = noting_rsync(R"([[ " $* " == *" -n "* ]] && exec sleep infinity)")});
  start();
  ASSERT_TRUE(arrives("first sync", {"copy"}));
  const auto begins = [&] {
    auto verify = std::make_unique<Child>(
        Child::Command{.arguments = {mirrorctl_program(), "--bus", bus().address(), "verify"},
                       .output = dir / "verify.log"});
    EXPECT_TRUE(wait_until([&] { return children("sleep infinity").size() == 1; }));
    return verify;
  };
  const auto ends = [&] { return wait_until([&] { return children("sleep infinity").empty(); }); };
  begins().reset();
  EXPECT_TRUE(ends());

  const std::unique_ptr<Child> verify = begins();
  bus_.reset();
  EXPECT_TRUE(ends());
  write_file(images / "new.png", "new\n");
  EXPECT_TRUE(arrives("a change without the bus", {"copy"}));
}

TEST_F(TransferVerbs, PauseStandsOverAReload) {
  begin_with({local_target("copy"), local_target("other")});
  ASSERT_TRUE(arrives("first sync", {"copy", "other"}));
  ASSERT_EQ(0, mirrorctl({"pause", "web/copy"}).status);
  configure({.targets = {local_target("copy"), local_target("other")},
             .settings = "exclude = [\"*.tmp\"]\n"});
  ASSERT_TRUE(signal_reload());
  write_file(images / "new.png", "new\n");
  fs::remove(source / "index.html");
  ASSERT_TRUE(arrives("a change on the other target", {"other"}));
  EXPECT_EQ("paused", target_state("copy"));
  EXPECT_FALSE(fs::exists(copy("copy") / "images/new.png"));
  EXPECT_TRUE(fs::exists(copy("copy") / "index.html"));
  EXPECT_EQ(1, mirrorctl({"sync", "--wait", "web/copy"}).status);
  ASSERT_EQ(0, mirrorctl({"resume", "web/copy"}).status);
  ASSERT_TRUE(arrives("after resume", {"copy"}));
}

// A comparison of sizes and times would not find it.
TEST_F(TransferVerbs, WhatIsPendingIsSentAfterAReloadOfItsGroup) {
  const std::string excluding = "exclude = [\"*.bak\"]\n";
  const fs::path fresh = dir / "fresh";
  const auto put = [&](const std::string& text) {
    write_file(fresh, text);
    fs::last_write_time(fresh, fs::file_time_type());
    fs::rename(fresh, images / "file");
  };
  put("one");
  begin_with({local_target("copy")});
  ASSERT_TRUE(holds(copy("copy") / "images/file", "one"));
  for (const auto& [text, settings] :
       {std::pair{"two", excluding}, {"six", excluding + "rsync = { compress = false }\n"}}) {
    ASSERT_EQ(0, mirrorctl({"pause"}).status);
    put(text);
    ASSERT_TRUE(wait_until([&] { return number("copy", "Pending") == 1; }));
    configure({.targets = {local_target("copy")}, .settings = settings});
    ASSERT_TRUE(signal_reload());
    ASSERT_EQ(0, mirrorctl({"resume"}).status);
    ASSERT_EQ(0, mirrorctl({"wait"}).status);
    EXPECT_EQ(read_file(copy("copy") / "images/file"), text);
  }
}

TEST_F(TransferVerbs, PauseStandsOverAReloadOfTheTargetItself) {
  begin_with({local_target("copy"), local_target("other")});
  ASSERT_TRUE(arrives("first sync", {"copy", "other"}));
  ASSERT_EQ(0, mirrorctl({"pause", "web/copy"}).status);
  fs::remove(source / "index.html");
  const std::string moved = R"({ to = ")" + copy("moved").native() + R"(", name = "copy" })";
  for (const auto& [destination, settings] :
       {std::pair<std::string, const char*>(local_target("copy"), "rsync = { compress = false }\n"),
        {local_target("copy"), "ssh = { port = 2222 }\n"},
        {moved, ""}}) {
    configure({.targets = {destination, local_target("other")}, .settings = settings});
    ASSERT_TRUE(signal_reload());
    EXPECT_EQ("paused", target_state("copy")) << destination << settings;
    ASSERT_TRUE(target_becomes("other", "idle"));
  }
  EXPECT_TRUE(fs::exists(copy("copy") / "index.html"));
  EXPECT_FALSE(fs::exists(copy("moved")));
  ASSERT_EQ(0, mirrorctl({"resume", "web/copy"}).status);
  ASSERT_TRUE(arrives("after resume", {"moved"}));
}

TEST_F(TransferVerbs, OnceIsOneFullSync) {
  configure({.targets = {local_target("copy"), ssh_target("tgt1")}});
  const Finished synced = once();
  EXPECT_EQ(0, synced.status) << synced.err;
  EXPECT_TRUE(arrives("at its end", {"copy", "tgt1"}));
  server("tgt1").stop();
  write_file(source / "later", "later\n");
  const Finished failed = once();
  EXPECT_EQ(1, failed.status) << failed.err;
  EXPECT_TRUE(arrives("where it could", {"copy"}));
}

TEST_F(TransferVerbs, OnceFailsWhereDeletionsAreHeld) {
  for (int i = 0; i < 30; ++i) write_file(copy("copy") / std::to_string(i), "foreign\n");
  configure({.targets = {local_target("copy")}});
  EXPECT_EQ(1, once().status);
  EXPECT_TRUE(fs::exists(copy("copy") / "29"));
}

}  // namespace
}  // namespace mirrord::test
