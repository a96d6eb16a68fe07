// Targets that fail in every way there is. Each time another target goes on, and nothing is lost.
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include "e2e/transfer_lab.hpp"

namespace mirrord::test {
namespace {

constexpr auto* kOneSecond = "timeout = \"1s\"";

class TransferFailures : public TransferLab {
 protected:
  void other_target_goes_on() {
    write_file(source / "meanwhile", "written while the first target fails\n");
    EXPECT_TRUE(arrives("a change on the other target", {"other"}));
  }
  void arrives_after_all() {
    EXPECT_TRUE(arrives("all of it, in the end", {"copy", "other"}));
    EXPECT_TRUE(target_becomes("copy", "idle"));
    EXPECT_EQ("", last_error("copy"));
  }
  std::string stopping(const std::string& settings) const {
    const fs::path program = stand_in("rsync-there", R"(
if [[ $* == @WHEN@ && -e @HERE@/armed ]] && rm @HERE@/armed 2>/dev/null; then
  echo $$ > @HERE@/stopping && mv @HERE@/stopping @HERE@/stopped
  kill -STOP $$
fi)");
    std::string text = filled(read_file(program), {{"WHEN", settings}});
    write_script(program, text);
    return "rsync = { " + std::string(kOneSecond) + ", remote_program = \"" + program.native() +
           "\" }";
  }
  void stops_and_goes_on(const std::string& when) {
    configure({.targets = {target_on("host", "copy", stopping(when)), local_target("other")},
               .settings = std::string(kQuickRetry) + "standby = false\n"});
    write_file(dir / "armed", "");
    start();
    ASSERT_TRUE(wait_until([&] { return fs::exists(dir / "stopped"); }));
    other_target_goes_on();
    arrives_after_all();
    // Nobody else ends it: no signal reaches what is stopped.
    EXPECT_EQ(::kill(std::stoi(read_file(dir / "stopped")), SIGKILL), 0);
  }
};

// As on a hung disk: rsync's own --timeout, where it is long enough to keep connections alive,
// never fires, because its messages go through.
TEST_F(TransferFailures, AFrozenTargetThatKeepsItsConnectionIsGivenUp) {
  configure({.targets = {local_target("copy"), local_target("other")},
             .settings = std::string(kQuickRetry) + "rsync = { timeout = \"2s\" }\n"});
  start();
  ASSERT_TRUE(arrives("first sync", {"copy", "other"}));
  const std::string waiting = std::to_string(standby("copy"));
  std::string receivers;
  ASSERT_TRUE(wait_until([&] {
    receivers = read_file("/proc/" + waiting + "/task/" + waiting + "/children");
    return !receivers.empty();
  }));
  std::istringstream pids(receivers);
  for (pid_t receiver = 0; pids >> receiver;) EXPECT_EQ(::kill(receiver, SIGSTOP), 0);
  other_target_goes_on();
  EXPECT_TRUE(wait_until(
      [&] {
        return daemon->log().find("nothing has moved for 10s, given up") != std::string::npos;
      },
      2 * kPatience))
      << daemon->log();
  arrives_after_all();
}

TEST_F(TransferFailures, EveryExitStatusIsSurvived) {
  // Each of the first runs after arming ends in another way; the first reads its list.
  configure({.targets = {"{ to = \"" + copy("copy").native() + "\", name = \"copy\", " +
                             "rsync = { program = \"" +
                             stand_in("rsync-here", R"(
ends=(true 'exit 24' 'exit 23' 'exit 2' 'exit 3' 'exit 5' 'exit 11' 'exit 12' 'exit 20' 'exit 22'
  'exit 30' 'exit 35' 'exit 127' 'exit 255' 'kill -TERM $$' 'kill -SEGV $$')
if [[ $1 != --version && -e @HERE@/armed ]]; then
  for ((i = 1; i < ${#ends[@]}; ++i)); do
    if mkdir @HERE@/end.$i 2>/dev/null; then
      ((i != 1)) || cat >/dev/null
      eval "${ends[i]}"
    fi
  done
fi)")
                                 .native() +
                             "\" } }",
                         local_target("other")},
             .settings = "retry = { initial = \"100ms\", max = \"100ms\" }\nstandby = false\n"});
  start();
  ASSERT_TRUE(arrives("first sync", {"copy", "other"}));
  write_file(dir / "armed", "");
  write_file(images / "new.png", "new\n");
  fs::remove_all(images / "icons");
  append_file(images / "logo.png", "edited\n");
  other_target_goes_on();
  arrives_after_all();
  EXPECT_TRUE(fs::exists(dir / "end.15"));
}

TEST_F(TransferFailures, ASlowComparisonKeepsNoOtherTargetFromIts) {
  const std::string slow = "[[ $* == */copy/ ]] && while [[ -e @HERE@/armed ]]; do sleep 0.1; done";
  configure({.targets = {local_target("copy"), local_target("other")},
             .settings = noting_rsync(slow) + "rescan = \"1s\"\nstandby = false\n"});
  write_file(dir / "armed", "");
  start();
  ASSERT_TRUE(arrives("first sync", {"other"}));
  write_file(copy("other") / "index.html", "somebody else wrote here\n");
  EXPECT_TRUE(arrives("what has drifted", {"other"}));
  EXPECT_EQ("syncing", target_state("copy"));
  fs::remove(dir / "armed");
  EXPECT_TRUE(arrives("the slow one", {"copy"}));
}

TEST_F(TransferFailures, OnlyTheUnreadableFileIsTriedAgain) {
  if (::geteuid() != 0) GTEST_SKIP() << "root decides what others can read";
  fs::create_directory(copy("copy"));
  run_ok({"chown", "nobody", copy("copy")});
  configure({.targets = {local_target("copy")},
             .settings = std::string("user = \"nobody\"\ndelay = \"1s\"\n") + kQuickRetry});
  start();
  ASSERT_TRUE(arrives("first sync", {"copy"}, {.owners = false}));
  write_file(source / "secret", "");
  change_mode(source / "secret", 0600);
  for (const auto* name : {"a", "b", "c"}) write_file(images / name, "readable\n");
  fs::remove(source / "index.html");
  for (const auto* name : {"a", "b", "c"})
    ASSERT_TRUE(holds(copy("copy") / "images" / name, "readable\n"));
  ASSERT_TRUE(wait_until([&] { return !fs::exists(copy("copy") / "index.html"); }));
  ASSERT_TRUE(target_becomes("copy", "retrying"));
  EXPECT_TRUE(wait_until([&] { return number("copy", "Pending") == 1; }));
  EXPECT_EQ(0, number("copy", "ConsecutiveFailures"));  // the target itself answers
  change_mode(source / "secret", 0644);
  ASSERT_TRUE(arrives("once it can be read", {"copy"}, {.owners = false}));
  ASSERT_TRUE(target_becomes("copy", "idle"));
}

// rsync complains of each, in more words than the journal keeps.
TEST_F(TransferFailures, OfManyUnreadableFilesItIsKnownWhichTheyAre) {
  if (::geteuid() != 0) GTEST_SKIP() << "root decides what others can read";
  fs::create_directory(copy("copy"));
  run_ok({"chown", "nobody", copy("copy")});
  constexpr int kFiles = 300;
  for (int i = 0; i < kFiles; ++i) {
    const fs::path file = source / ("secret-" + std::to_string(i));
    write_file(file, "");
    change_mode(file, 0600);
  }
  configure({.targets = {local_target("copy")},
             .settings = std::string("user = \"nobody\"\n") + kQuickRetry});
  start();
  EXPECT_TRUE(wait_until([&] { return number("copy", "Pending") == kFiles; }));
}

// As the document root of a web server often is: writable for the login, and root's.
TEST_F(TransferFailures, OnlyTheAttributesOfAForeignDirectoryAreTriedAgain) {
  if (::geteuid() != 0) GTEST_SKIP() << "root decides what belongs to others";
  fs::create_directories(copy("copy") / "news");
  for (const auto* path : {"", "news"}) change_mode(copy("copy") / path, 0777);
  configure({.targets = {local_target("copy")},
             .settings = std::string("user = \"nobody\"\n") + kAtOnce + kQuickRetry});
  start();
  ASSERT_TRUE(holds(copy("copy") / "images/logo.png", "a logo\n"));
  for (const auto* name : {"one", "two", "three"}) {
    write_file(source / "news" / name, "new\n");
    EXPECT_TRUE(holds(copy("copy") / "news" / name, "new\n"));
  }
  fs::remove(source / "news/one");
  EXPECT_TRUE(wait_until([&] { return !fs::exists(copy("copy") / "news/one"); }));
  EXPECT_TRUE(wait_until([&] { return number("copy", "Pending") == 2; }));
  EXPECT_TRUE(error_names("copy", ": 2 paths"));
  EXPECT_EQ(0, number("copy", "FullPending"));
  EXPECT_TRUE(target_becomes("copy", "retrying"));
  run_ok({"chown", "-R", "nobody", copy("copy")});
  EXPECT_TRUE(arrives("once it owns them", {"copy"}, {.owners = false}));
  EXPECT_TRUE(target_becomes("copy", "idle"));
}

TEST_F(TransferFailures, ARemoteSideThatHangsInATransfer) { stops_and_goes_on("*--server*"); }

TEST_F(TransferFailures, ARemoteSideThatHangsWhenItIsAsked) { stops_and_goes_on("--version"); }

TEST_F(TransferFailures, AFullTargetIsFreed) {
  if (!own_mounts()) GTEST_SKIP() << "this process may not mount";
  mount_tmpfs(copy("copy"), "1m");
  configure({.targets = {local_target("copy"), local_target("other")}, .settings = kQuickRetry});
  start();
  ASSERT_TRUE(arrives("first sync", {"copy", "other"}));
  write_file(images / "big.png", std::string(2 << 20, 'x'));
  ASSERT_TRUE(target_becomes("copy", "retrying"));
  EXPECT_TRUE(error_names("copy", "rsync exited"));
  other_target_goes_on();
  for (const char* name : {"a.png", "z/z.png"}) write_file(images / name, "small");
  for (const char* name : {"a.png", "z/z.png"})
    EXPECT_TRUE(holds(copy("copy") / "images" / name, "small")) << "what fits still arrives";
  run_ok({"mount", "-o", "remount,size=32m", copy("copy")});
  arrives_after_all();
}

TEST_F(TransferFailures, AReadOnlyTargetIsMadeWritable) {
  if (!own_mounts()) GTEST_SKIP() << "this process may not mount";
  mount_tmpfs(copy("copy"));
  configure({.targets = {local_target("copy"), local_target("other")}, .settings = kQuickRetry});
  start();
  ASSERT_TRUE(arrives("first sync", {"copy", "other"}));
  run_ok({"mount", "-o", "remount,ro", copy("copy")});
  append_file(images / "logo.png", "edited\n");
  fs::remove_all(images / "icons");
  ASSERT_TRUE(target_becomes("copy", "retrying"));
  other_target_goes_on();
  run_ok({"mount", "-o", "remount,rw", copy("copy")});
  arrives_after_all();
}

}  // namespace
}  // namespace mirrord::test
