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

class EngineUndone : public testing::Test {
 protected:
  EngineUndone() {
    ::setenv("RUNTIME_DIRECTORY", (dir / "run").c_str(), 1);
    std::filesystem::create_directory(dir / "run");
    test::write_file(dir / "source/file", "one\n");
    test::write_file(dir / "etc/web.toml", test::filled(R"([groups.web]
source = "@HERE@/source"
targets = [{ to = "@HERE@/copy", name = "copy" }]
symlinks = "preserve"
standby = false
delay = "1h"
max_delay = "1h"
rsync = { program = "@HERE@/rsync" }
)",
                                                        {{"HERE", dir.path()}}));
    test::write_script(dir / "rsync", test::filled(R"(#!/bin/bash
if [[ $1 != --version ]]; then
  touch @HERE@/transfer
  until [[ -e @HERE@/go ]]; do sleep 0.01; done
fi
exec rsync "$@"
)",
                                                   {{"HERE", dir.path()}}));
    test::write_file(dir / "go", "");
    test::change_mode(dir / "etc", 0755);
    test::change_mode(dir / "etc/web.toml", 0644);
    ParsedConfig parsed = load_config(dir / "etc");
    if (!parsed.ok()) throw std::runtime_error(parsed.diagnostics.at(0).text());
    engine.apply(*parsed.config);
  }
  ~EngineUndone() override { ::unsetenv("RUNTIME_DIRECTORY"); }

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
  ASSERT_TRUE(test::run_until(loop, [&] { return in_sync(); }));
  EXPECT_EQ(engine.undone(loop.now()), std::vector<std::string>{});
}

TEST_F(EngineUndone, ACrawlThatHasNotBegun) { EXPECT_TRUE(tells("the crawl of", loop.now())); }

TEST_F(EngineUndone, AChildThatHasEnded) {
  std::filesystem::remove(dir / "go");
  ASSERT_TRUE(test::run_until(loop, [&] { return std::filesystem::exists(dir / "transfer"); }));
  // Its end is there, and nobody but the loop would take it.
  test::write_file(dir / "go", "");
  siginfo_t ended{};
  ASSERT_EQ(0, ::waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT));
  EXPECT_TRUE(
      tells("rsync " + std::to_string(ended.si_pid) + " of web/copy has ended", loop.now()));
  ASSERT_TRUE(test::run_until(loop, [&] { return in_sync(); }));
  EXPECT_FALSE(tells("has ended", loop.now()));
}

TEST_F(EngineUndone, EventsThatWereNotRead) {
  ASSERT_TRUE(test::run_until(loop, [&] { return in_sync(); }));
  test::append_file(dir / "source/file", "two\n");
  EXPECT_TRUE(tells("events of the kernel", loop.now()));
  ASSERT_TRUE(test::run_until(loop, [&] { return !tells("events of the kernel", loop.now()); }));
}

TEST_F(EngineUndone, ATransferThatIsDue) {
  ASSERT_TRUE(test::run_until(loop, [&] { return in_sync(); }));
  test::append_file(dir / "source/file", "two\n");
  ASSERT_TRUE(test::run_until(loop, [&] { return engine.status().targets.at(0).pending > 0; }));
  EXPECT_FALSE(tells("is due", loop.now()));
  EXPECT_TRUE(tells("is due", loop.now() + std::chrono::hours(2)));
}

}  // namespace
}  // namespace mirrord
