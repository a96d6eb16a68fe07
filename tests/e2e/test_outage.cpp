// Failures outside: targets that go away and come back, transfers that fail. Nothing is forgotten,
// and nobody else waits.
#include <signal.h>

#include "e2e/lab.hpp"

namespace mirrord::test {
namespace {

constexpr auto* kQuickRetry = "retry = { initial = \"100ms\", max = \"1s\" }\n";

class Outage : public Lab {
 protected:
  void SetUp() override {
    Lab::SetUp();
    if (!IsSkipped()) make_story();
  }

  int64_t number(const std::string& target, const std::string& property) {
    return client().number(target_object("web", target), property);
  }

  /// A program in place of rsync that does `fault` for each of the first `times` runs after arm(),
  /// and is rsync in all others.
  std::string faulty_rsync(const std::string& fault, int times) const {
    // A transfer that was started before arm() would carry its changes past the fault.
    return "standby = false\n" +
           rsync_script(filled(R"(#!/bin/bash
if [[ -e @HERE@/armed ]]; then
  for ((i = 1; i <= @TIMES@; ++i)); do
    if mkdir @HERE@/fault.$i 2>/dev/null; then
      @FAULT@
    fi
  done
fi
exec rsync "$@"
)",
                               {{"FAULT", fault}, {"TIMES", std::to_string(times)}}));
  }
  void arm() const { write_file(dir / "armed", ""); }
  bool fault_happened(int number) const {
    return fs::exists(dir / ("fault." + std::to_string(number)));
  }
};

TEST_F(Outage, DeadTargetDelaysNobodyAndCatchesUp) {
  configure({.targets = {ssh_target("tgt1"), ssh_target("tgt2")}, .settings = kQuickRetry});
  start();
  ASSERT_TRUE(arrives("first sync", {"tgt1", "tgt2"}));

  server("tgt2").stop();
  write_file(images / "during.png", "made while tgt2 is away\n");
  ASSERT_TRUE(arrives("on tgt1, with tgt2 away", {"tgt1"}));
  ASSERT_TRUE(target_becomes("tgt2", "retrying"));
  EXPECT_FALSE(client().text(target_object("web", "tgt2"), "LastError").empty());
  for (const auto* property : {"ConsecutiveFailures", "NextAttemptUSec", "Pending"})
    EXPECT_TRUE(wait_until([&] { return number("tgt2", property) > 0; })) << property;

  fs::rename(images / "icons", cgi_bins / "icons");
  ASSERT_TRUE(arrives("a rename on tgt1", {"tgt1"}));
  fs::remove(images / "logo.png");
  ASSERT_TRUE(arrives("a delete on tgt1", {"tgt1"}));
  append_file(cgi_bins / "counter.cgi", "echo 2\n");
  ASSERT_TRUE(arrives("a write on tgt1", {"tgt1"}));
  ASSERT_NE("idle", target_state("tgt2"));

  server("tgt2").start();
  ASSERT_TRUE(arrives("tgt2 after its return", {"tgt1", "tgt2"}));
  ASSERT_TRUE(target_becomes("tgt2", "idle"));
  EXPECT_EQ("", client().text(target_object("web", "tgt2"), "LastError"));
  for (const auto* property : {"ConsecutiveFailures", "NextAttemptUSec", "Pending"})
    EXPECT_EQ(0, number("tgt2", property)) << property;
}

TEST_F(Outage, TargetDeadAtStartCatchesUp) {
  const std::vector<std::string> targets{ssh_target("tgt1"), ssh_target("tgt2")};
  configure({.targets = targets, .settings = kQuickRetry});
  server("tgt2").stop();
  start();
  ASSERT_TRUE(arrives("first sync of tgt1", {"tgt1"}));
  ASSERT_TRUE(target_becomes("tgt2", "retrying"));
  server("tgt2").start();
  ASSERT_TRUE(arrives("first sync of tgt2", {"tgt2"}));
}

/// It has not failed itself, but its host has been tried, and is left alone for a while.
TEST_F(Outage, WhoeverJoinsADeadHostSaysWhenItIsTried) {
  constexpr auto* kSlowRetry = "retry = { initial = \"1h\", max = \"1h\" }\n";
  const std::string first = ssh_target("tgt1");
  const std::string second = filled(
      R"({ to = "@LOGIN@@127.0.0.1:@COPY@", name = "tgt2", @SSH@)",
      {{"LOGIN", login()}, {"COPY", copy("tgt2")}, {"SSH", first.substr(first.find("ssh ="))}});
  configure({.targets = {first}, .settings = kSlowRetry});
  server("tgt1").stop();
  start();
  ASSERT_TRUE(target_becomes("tgt1", "retrying"));

  configure({.targets = {first, second}, .settings = kSlowRetry});
  ASSERT_EQ("", client().call(manager_object(), "Reload", "").message);
  EXPECT_TRUE(wait_until([&] { return number("tgt2", "NextAttemptUSec") > 0; }));
  EXPECT_EQ(0, number("tgt2", "ConsecutiveFailures"));
}

TEST_F(Outage, FailedBatchIsSentAgain) {
  configure(
      {.targets = {local_target("copy")}, .settings = kQuickRetry + faulty_rsync("exit 12", 3)});
  start();
  ASSERT_TRUE(arrives("first sync", {"copy"}));
  arm();
  write_file(images / "new.png", "new\n");
  fs::remove(source / "index.html");
  fs::rename(images / "icons", images / "symbols");
  ASSERT_TRUE(arrives("after three failures", {"copy"}));
  EXPECT_TRUE(fault_happened(3));
}

TEST_F(Outage, ChangesDuringAFailingBatchAreSentToo) {
  constexpr auto* fault =
      "touch @HERE@/started; until [[ -e @HERE@/go ]]; do sleep 0.01; done; exit 23";
  configure({.targets = {local_target("copy")}, .settings = kQuickRetry + faulty_rsync(fault, 1)});
  start();
  ASSERT_TRUE(arrives("first sync", {"copy"}));
  arm();
  write_file(images / "before.png", "before\n");
  ASSERT_TRUE(wait_until([&] { return fs::exists(dir / "started"); }));
  write_file(images / "before.png", "again\n");
  write_file(images / "during.png", "during\n");
  write_file(dir / "go", "");
  ASSERT_TRUE(arrives("both", {"copy"}));
}

TEST_F(Outage, KilledTransferIsRepeated) {
  configure({.targets = {ssh_target("tgt1"), ssh_target("tgt2")},
             .settings = kQuickRetry + faulty_rsync("kill -KILL $$", 4)});
  start();
  ASSERT_TRUE(arrives("first sync", {"tgt1", "tgt2"}));
  arm();
  fs::remove_all(images / "icons");
  write_file(images / "new.png", "new\n");
  ASSERT_TRUE(arrives("after four kills", {"tgt1", "tgt2"}));
  EXPECT_TRUE(fault_happened(4));
}

TEST_F(Outage, FailedFirstSyncIsRepeated) {
  configure(
      {.targets = {local_target("copy")}, .settings = kQuickRetry + faulty_rsync("exit 11", 2)});
  write_file(copy("copy") / "extraneous", "not in the source\n");
  write_file(copy("copy") / "index.html", "an old copy, or half of the target would be too much\n");
  arm();
  start();
  ASSERT_TRUE(arrives("first sync after two failures", {"copy"}));
  EXPECT_TRUE(fault_happened(2));
}

TEST_F(Outage, MissingRsyncIsAFailureAndNoEnd) {
  configure({.targets = {local_target("copy")},
             .settings = kQuickRetry + std::string("rsync = { program = \"") +
                         (dir / "bin/rsync").native() + "\" }\n"});
  start();
  ASSERT_TRUE(target_becomes("copy", "retrying"));
  write_script(dir / "bin/rsync", "#!/bin/sh\nexec rsync \"$@\"\n");
  ASSERT_TRUE(arrives("once rsync is installed", {"copy"}));
}

TEST_F(Outage, MissingSshIsAFailureAndNoEnd) {
  for (const char* multiplex : {"true", "false"}) {
    fs::remove(dir / "bin/ssh");
    configure({.targets = {ssh_target("tgt1")},
               .settings = kQuickRetry + std::string("ssh = { program = \"") +
                           (dir / "bin/ssh").native() + "\", multiplex = " + multiplex + " }\n"});
    start();
    ASSERT_TRUE(target_becomes("tgt1", "retrying")) << multiplex;
    write_script(dir / "bin/ssh", "#!/bin/sh\nexec ssh \"$@\"\n");
    ASSERT_TRUE(arrives("once ssh is installed", {"tgt1"})) << multiplex;
    stop();
  }
}

TEST_F(Outage, OneSlotServesAllTargets) {
  put_config("daemon.toml", "[daemon]\nmax_transfers = 1\n");
  configure({.targets = {local_target("a"), local_target("b"), local_target("c"), ssh_target("d")},
             .settings = "standby = false\n" + rsync_script(R"(#!/bin/bash
[[ $1 == --version ]] && exec rsync "$@"
mkdir @HERE@/lock || touch @HERE@/overlap
rsync "$@"
status=$?
rmdir @HERE@/lock
exit $status
)")});
  start();
  const std::vector<std::string> all{"a", "b", "c", "d"};
  EXPECT_EQ(1, client().number(manager_object(), "MaxTransfers"));
  ASSERT_TRUE(arrives("first sync", all));
  for (int i = 0; i < 5; ++i) {
    write_file(images / ("file" + std::to_string(i)), "content\n");
    ASSERT_TRUE(arrives("file " + std::to_string(i), all));
  }
  EXPECT_FALSE(fs::exists(dir / "overlap"));
}

}  // namespace
}  // namespace mirrord::test
