// hooks.after_sync: what people did with lsyncd's Lua actions, from purging a cache to reloading a
// server.
#include <fmt/format.h>
#include <unistd.h>

#include "e2e/transfer_lab.hpp"

namespace mirrord::test {
namespace {

class Hooks : public TransferLab {
 protected:
  /// A group setting: this script is the hook. @HERE@ in it is `dir`.
  std::string hook(std::string script, const std::string& settings = "") const {
    for (size_t at; (at = script.find("@HERE@")) != std::string::npos;)
      script.replace(at, 6, dir.path().native());
    write_file(dir / "hook", "#!/bin/bash\nset -eu\n" + script);
    change_mode(dir / "hook", 0755);
    return fmt::format("hooks = {{ after_sync = ['{}', 'argument one'] {} }}\n",
                       (dir / "hook").native(), settings);
  }

  std::string noted() const {
    return fs::exists(dir / "noted") ? read_file(dir / "noted") : std::string();
  }
  bool notes(const std::string& text) const {
    return wait_until([&] { return contains(noted(), text); });
  }

  void begin(const std::string& settings) {
    configure({.targets = {local_target("copy")}, .settings = settings + kAtOnce});
    start();
    ASSERT_TRUE(arrives("first sync", {"copy"}));
  }

  static constexpr auto* kNote =
      "{ echo \"$MIRRORD_GROUP/$MIRRORD_TARGET:$1:\"; cat \"$MIRRORD_PATHS_FILE\"; } "
      ">> @HERE@/noted\n";
};

TEST_F(Hooks, AreToldWhatHasArrived) {
  begin(hook(kNote));
  ASSERT_TRUE(notes("web/copy:argument one:\n.\n")) << noted() << "a full sync";
  write_file(images / "new.png", "x");
  ASSERT_TRUE(notes(":\nimages/new.png\n")) << noted();
  fs::remove(images / "new.png");
  write_file(images / "odd\nname", "x");
  ASSERT_TRUE(notes("images/odd\\nname\n")) << noted();
}

TEST_F(Hooks, HearLaterOfWhatArrivedBesideAFailure) {
  if (::geteuid() != 0) GTEST_SKIP() << "root decides what others can read";
  fs::create_directory(copy("copy"));
  write_file(dir / "noted", "");
  run_ok({"chown", "nobody", copy("copy"), dir / "noted"});
  configure({.targets = {local_target("copy")},
             .settings = hook(kNote) + "user = \"nobody\"\ndelay = \"1s\"\n" + kQuickRetry});
  start();
  ASSERT_TRUE(notes(":\n.\n")) << noted();
  write_file(source / "secret", "");
  change_mode(source / "secret", 0600);
  write_file(images / "readable", "x");
  ASSERT_TRUE(target_becomes("copy", "retrying"));
  EXPECT_FALSE(contains(noted(), "readable")) << "no transfer was clean";
  change_mode(source / "secret", 0644);
  EXPECT_TRUE(notes("images/readable\nsecret\n")) << noted();
}

TEST_F(Hooks, HearLaterOfAFullSyncBesideAFailure) {
  if (::geteuid() != 0) GTEST_SKIP() << "root decides what others can read";
  fs::create_directory(copy("copy"));
  write_file(dir / "noted", "");
  run_ok({"chown", "nobody", copy("copy"), dir / "noted"});
  write_file(source / "secret", "");
  change_mode(source / "secret", 0600);
  configure({.targets = {local_target("copy")},
             .settings = hook(kNote) + "user = \"nobody\"\n" + kQuickRetry});
  start();
  ASSERT_TRUE(target_becomes("copy", "retrying"));
  EXPECT_EQ(noted(), "");
  change_mode(source / "secret", 0644);
  EXPECT_TRUE(notes(":\n.\n")) << noted();
}

// A cache in front of the web servers: exactly what has changed is purged from it.
TEST_F(Hooks, PurgeACache) {
  for (const auto* name : {"images/logo.png", "images/other.png"})
    write_file(dir / "cache" / name, "cached\n");
  write_file(images / "other.png", "other\n");
  const std::string purge =
      "while IFS= read -r path; do\n"
      "  [ \"$path\" = . ] || rm -f \"@HERE@/cache/$path\"\n"
      "done < \"$MIRRORD_PATHS_FILE\"\n";
  begin(hook(purge));
  append_file(images / "logo.png", "edited\n");
  EXPECT_TRUE(wait_until([&] { return !fs::exists(dir / "cache/images/logo.png"); }));
  EXPECT_TRUE(fs::exists(dir / "cache/images/other.png"));
}

// A server that reads its configuration again: once for a burst, not once for each file.
TEST_F(Hooks, ReloadAServerOnceForABurst) {
  begin(hook("echo reload >> @HERE@/noted; until [ -e @HERE@/go ]; do sleep 0.01; done\n"));
  ASSERT_TRUE(notes("reload\n"));
  for (int i = 0; i < 20; ++i) {
    write_file(images / fmt::format("{}.conf", i), "x");
    ASSERT_TRUE(arrives("while the hook runs", {"copy"}));
  }
  write_file(dir / "go", "");
  ASSERT_TRUE(notes("reload\nreload\n"));
  ASSERT_TRUE(wait_until([&] { return mirrorctl({"wait"}).status == 0; }));
  EXPECT_EQ(noted(), "reload\nreload\n");
}

TEST_F(Hooks, AFailureIsToldAndCountedAndHoldsNothingUp) {
  begin(hook("echo some line >&2; echo the cache is down >&2; exit 3\n"));
  append_file(images / "logo.png", "edited\n");
  ASSERT_TRUE(arrives("an edit", {"copy"}));
  EXPECT_TRUE(wait_until([&] {
    return contains(daemon->log(), "failed: exit status 3: the cache is down");
  })) << daemon->log();
  EXPECT_TRUE(wait_until([&] {
    const std::string metrics = mirrorctl({"metrics"}).out;
    return contains(metrics, "mirrord_target_hook_failures_total{group=\"web\",target=\"copy\"} 2");
  })) << mirrorctl({"metrics"}).out;
  EXPECT_EQ(last_error("copy"), "");
}

TEST_F(Hooks, AProgramThatCannotBeStartedIsAFailure) {
  configure({.targets = {local_target("copy")},
             .settings = "hooks = { after_sync = ['/no/such/program'] }\n"});
  start();
  ASSERT_TRUE(arrives("first sync", {"copy"}));
  EXPECT_TRUE(wait_until([&] { return contains(daemon->log(), "/no/such/program' failed:"); }))
      << daemon->log();
}

TEST_F(Hooks, WhatTakesTooLongIsEnded) {
  begin(hook("echo \"$$\" > @HERE@/pid; while :; do sleep 0.01; done\n", ", timeout = '1s'"));
  EXPECT_TRUE(wait_until([&] { return contains(daemon->log(), "longer than 'timeout'"); }))
      << daemon->log();
  EXPECT_TRUE(all_end({std::stoi(read_file(dir / "pid"))}));
}

TEST_F(Hooks, TargetsOfAGroupTakeTurns) {
  configure({.targets = {local_target("a"), local_target("b"), local_target("c")},
             .settings = hook("mkdir @HERE@/lock; echo \"$MIRRORD_TARGET\" >> @HERE@/noted\n"
                              "sleep 0.05; rmdir @HERE@/lock\n")});
  start();
  for (const auto* name : {"a\n", "b\n", "c\n"}) EXPECT_TRUE(notes(name)) << noted();
  EXPECT_FALSE(contains(daemon->log(), "failed")) << daemon->log();
}

TEST_F(Hooks, AChangeOfTheHookSendsNothingAgain) {
  begin(hook(kNote));
  ASSERT_TRUE(notes(".\n"));
  ASSERT_TRUE(wait_until([&] { return number("copy", "Transfers") == 1; }));
  configure({.targets = {local_target("copy")},
             .settings = hook("echo another >> @HERE@/noted\n", ", timeout = '9s'") + kAtOnce});
  EXPECT_EQ(mirrorctl({"reload"}).status, 0);
  EXPECT_EQ(mirrorctl({"wait"}).status, 0);
  EXPECT_EQ(number("copy", "Transfers"), 1);
  append_file(images / "logo.png", "edited\n");
  EXPECT_TRUE(notes("another\n")) << noted();
}

// A hook that hangs or fails is one that somebody removes.
TEST_F(Hooks, ThatAreRemovedWhileOneRunsAreNotStartedAgain) {
  begin(hook("echo began >> @HERE@/noted; until [ -e @HERE@/go ]; do sleep 0.01; done; exit 3\n"));
  ASSERT_TRUE(notes("began\n"));
  append_file(images / "logo.png", "edited\n");
  ASSERT_TRUE(arrives("while the hook runs", {"copy"}));
  configure({.targets = {local_target("copy")}, .settings = kAtOnce});
  EXPECT_EQ(mirrorctl({"reload"}).status, 0);
  write_file(dir / "go", "");
  EXPECT_TRUE(wait_until([&] { return contains(daemon->log(), "failed: exit status 3"); }))
      << daemon->log();
  append_file(images / "logo.png", "again\n");
  EXPECT_TRUE(arrives("without a hook", {"copy"}));
  EXPECT_EQ(noted(), "began\n");
}

TEST_F(Hooks, OnceWaitsForThem) {
  configure(
      {.targets = {local_target("copy")}, .settings = hook("sleep 0.2\n" + std::string(kNote))});
  const Finished once = run_mirrord(dir, {.config_dir = config_dir(), .arguments = {"--once"}});
  EXPECT_EQ(once.status, 0) << once.err;
  EXPECT_TRUE(contains(noted(), "web/copy")) << once.err;
}

TEST_F(Hooks, AnsweringAStopTheyMayTidyUp) {
  begin(
      hook("trap 'echo tidied >> @HERE@/noted; exit' TERM; echo began >> @HERE@/noted\n"
           "while :; do sleep 0.01; done\n"));
  ASSERT_TRUE(notes("began\n"));
  EXPECT_EQ(daemon->terminate(), 0);
  EXPECT_TRUE(contains(noted(), "tidied\n"));
}

}  // namespace
}  // namespace mirrord::test
