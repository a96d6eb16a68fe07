// What the engine tells the watchdog: a loop that is not turned leaves everything undone.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>

#include "daemon/engine.hpp"
#include "io/config_dir.hpp"
#include "io/loop.hpp"
#include "support/files.hpp"

namespace mirrord {
namespace {

using namespace std::chrono_literals;

class EngineUndone : public testing::Test {
 protected:
  EngineUndone() {
    ::setenv("RUNTIME_DIRECTORY", (dir / "run").c_str(), 1);
    std::filesystem::create_directory(dir / "run");
    test::write_file(dir / "source/file", "one\n");
    // Answers for its version, and goes on with a transfer, when there are these files.
    test::write_script(dir / "rsync", in_here(R"(#!/bin/bash
if [[ $1 == --version ]]; then wanted=version; else wanted=go; fi
echo $$ > @HERE@/asked-$wanted.new && mv @HERE@/asked-$wanted.new @HERE@/asked-$wanted
until [[ -e @HERE@/$wanted ]]; do sleep 0.01; done
exec rsync "$@"
)"));
    for (const char* name : {"version", "go"}) test::write_file(dir / name, "");
  }
  ~EngineUndone() override { ::unsetenv("RUNTIME_DIRECTORY"); }

  std::string in_here(const std::string& text) const {
    return test::filled(text, {{"HERE", dir.path()}});
  }

  /// One target that is a directory here.
  void begin(const std::string& rsync = "", const std::string& settings = "") {
    begin_with(R"({ to = "@HERE@/copy", name = "copy" })",
               "rsync = { program = \"@HERE@/rsync\"" + rsync + " }\n" + settings);
  }
  void begin_with(const std::string& target, const std::string& settings) {
    test::write_file(dir / "etc/web.toml", in_here(R"([groups.web]
source = "@HERE@/source"
targets = [)" + target + R"(]
symlinks = "preserve"
standby = false
delay = "1h"
max_delay = "1h"
)" + settings));
    test::change_mode(dir / "etc", 0755);
    test::change_mode(dir / "etc/web.toml", 0644);
    ParsedConfig parsed = load_config(dir / "etc");
    if (!parsed.ok()) throw std::runtime_error(parsed.diagnostics.at(0).text());
    engine.apply(*parsed.config);
  }

  bool appears(const std::string& name) {
    return test::run_until(loop, [&] { return std::filesystem::exists(dir / name); });
  }
  std::string text_of(const std::string& name) const {
    std::string text = test::read_file(dir / name);
    return text.substr(0, text.find('\n'));
  }
  /// A child of ours has ended, and nobody but the loop would take note of it.
  static pid_t ended_child() {
    siginfo_t ended{};
    return ::waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT) == 0 ? ended.si_pid : -1;
  }

  bool in_sync() const {
    return engine.status().targets.at(0).state == TargetState::idle &&
           !engine.status().targets.at(0).full_pending;
  }

  bool tells(const std::string& part, Instant now) const {
    return std::ranges::any_of(engine.undone(now), [&](const std::string& duty) {
      return duty.find(part) != std::string::npos;
    });
  }

  test::TempDir dir;
  Loop loop;
  Engine engine{loop};
};

TEST_F(EngineUndone, NothingWhenAllIsInSync) {
  begin();
  ASSERT_TRUE(test::run_until(loop, [&] { return in_sync(); }));
  EXPECT_EQ(engine.undone(loop.now()), std::vector<std::string>{});
}

TEST_F(EngineUndone, ACrawlThatHasNotBegun) {
  begin();
  EXPECT_TRUE(tells("the crawl of", loop.now()));
}

TEST_F(EngineUndone, AChildThatHasEnded) {
  std::filesystem::remove(dir / "go");
  begin();
  ASSERT_TRUE(appears("asked-go"));
  test::write_file(dir / "go", "");
  const std::string rsync = "rsync " + std::to_string(ended_child()) + " of web/copy";
  EXPECT_TRUE(tells(rsync + " has ended", loop.now()));
  ASSERT_TRUE(test::run_until(loop, [&] { return in_sync(); }));
  EXPECT_FALSE(tells("has ended", loop.now()));
}

TEST_F(EngineUndone, AProbe) {
  std::filesystem::remove(dir / "version");
  begin(", timeout = \"20s\"");
  ASSERT_TRUE(appears("asked-version"));
  const std::string probe = "the probe " + text_of("asked-version") + " of web/copy ";
  EXPECT_FALSE(tells(probe, loop.now() + 10s));
  EXPECT_TRUE(tells(probe + "has used up its time", loop.now() + 21s));
  test::write_file(dir / "version", "");
  ended_child();
  EXPECT_TRUE(tells(probe + "has ended", loop.now()));
  ASSERT_TRUE(test::run_until(loop, [&] { return in_sync(); }));
  EXPECT_FALSE(tells("probe", loop.now() + 21s));
}

TEST_F(EngineUndone, AProbeHasALimitWhereTransfersHaveNone) {
  std::filesystem::remove(dir / "version");
  begin(", timeout = \"0\"");
  ASSERT_TRUE(appears("asked-version"));
  EXPECT_FALSE(tells("the probe", loop.now() + 50s));
  EXPECT_TRUE(tells("the probe", loop.now() + 61s));
}

TEST_F(EngineUndone, AProbeThatRunsOutOfTimeIsEnded) {
  std::filesystem::remove(dir / "version");
  begin(", timeout = \"1s\"");
  ASSERT_TRUE(test::run_until(
      loop, [&] { return engine.status().targets.at(0).consecutive_failures > 0; }));
  EXPECT_EQ(engine.status().targets.at(0).last_error,
            "no answer within 1s when asked for rsync's version");
  EXPECT_FALSE(tells("the probe", loop.now()));
}

TEST_F(EngineUndone, AHook) {
  test::write_script(dir / "hook", in_here(R"(#!/bin/bash
echo $$ > @HERE@/hook.new && mv @HERE@/hook.new @HERE@/hook-runs
until [[ -e @HERE@/hook-may-end ]]; do sleep 0.01; done
)"));
  begin("", "hooks = { after_sync = [\"@HERE@/hook\"], timeout = \"20s\" }\n");
  ASSERT_TRUE(appears("hook-runs"));
  const std::string hook = "hook " + text_of("hook-runs") + " of web/copy ";
  EXPECT_FALSE(tells(hook, loop.now() + 10s));
  EXPECT_TRUE(tells(hook + "has used up its time", loop.now() + 21s));
  test::write_file(dir / "hook-may-end", "");
  ended_child();
  EXPECT_TRUE(tells(hook + "has ended", loop.now()));
  ASSERT_TRUE(test::run_until(loop, [&] { return !tells("hook", loop.now() + 21s); }));
}

TEST_F(EngineUndone, AnSshMaster) {
  test::write_script(dir / "ssh", in_here(R"(#!/bin/bash
echo $$ > @HERE@/ssh.new && mv @HERE@/ssh.new @HERE@/ssh-runs
until [[ -e @HERE@/ssh-may-end ]]; do sleep 0.01; done
exit 255
)"));
  begin_with(R"("host:/copy")", "ssh = { program = \"@HERE@/ssh\", connect_timeout = \"5s\" }\n");
  ASSERT_TRUE(appears("ssh-runs"));
  const std::string master = "ssh master " + text_of("ssh-runs") + " ";
  EXPECT_FALSE(tells(master, loop.now() + 20s));
  EXPECT_TRUE(tells(master + "has used up its time", loop.now() + 26s));
  test::write_file(dir / "ssh-may-end", "");
  ended_child();
  EXPECT_TRUE(tells(master + "has ended", loop.now()));
  ASSERT_TRUE(test::run_until(loop, [&] { return !tells(master, loop.now() + 26s); }));
}

TEST_F(EngineUndone, AVerification) {
  begin();
  ASSERT_TRUE(test::run_until(loop, [&] { return in_sync(); }));
  for (const char* name : {"go", "asked-go"}) std::filesystem::remove(dir / name);
  bool verified = false;
  uint64_t number = 0;
  engine.verify(
      "web", "copy", [&](const std::vector<Verification>&) { verified = true; }, number);
  ASSERT_TRUE(appears("asked-go"));
  EXPECT_FALSE(tells("a verification", loop.now()));
  test::write_file(dir / "go", "");
  const std::string rsync = "rsync " + std::to_string(ended_child());
  EXPECT_TRUE(tells(rsync + " of a verification has ended", loop.now()));
  ASSERT_TRUE(test::run_until(loop, [&] { return verified; }));
  EXPECT_FALSE(tells("a verification", loop.now()));
}

TEST_F(EngineUndone, EventsThatWereNotRead) {
  begin();
  ASSERT_TRUE(test::run_until(loop, [&] { return in_sync(); }));
  test::append_file(dir / "source/file", "two\n");
  EXPECT_TRUE(tells("events of the kernel", loop.now()));
  ASSERT_TRUE(test::run_until(loop, [&] { return !tells("events of the kernel", loop.now()); }));
}

TEST_F(EngineUndone, ATransferThatIsDue) {
  begin();
  ASSERT_TRUE(test::run_until(loop, [&] { return in_sync(); }));
  test::append_file(dir / "source/file", "two\n");
  ASSERT_TRUE(test::run_until(loop, [&] { return engine.status().targets.at(0).pending > 0; }));
  EXPECT_FALSE(tells("is due", loop.now()));
  EXPECT_TRUE(tells("is due", loop.now() + std::chrono::hours(2)));
}

}  // namespace
}  // namespace mirrord
