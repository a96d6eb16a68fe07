// How many comparisons run at a time, and what becomes of those that nobody waits for.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "daemon/engine.hpp"
#include "io/config_dir.hpp"
#include "io/loop.hpp"
#include "support/child.hpp"
#include "support/files.hpp"

namespace mirrord {
namespace {

class EngineVerify : public testing::Test {
 protected:
  EngineVerify() {
    ::setenv("RUNTIME_DIRECTORY", (dir / "run").c_str(), 1);
    std::filesystem::create_directory(dir / "run");
    test::write_file(dir / "source/file", "one\n");
    // A comparison goes on until it is killed.
    test::write_script(dir / "rsync", R"(#!/bin/bash
[[ " $* " == *" -n "* ]] && exec sleep infinity
exec rsync "$@"
)");
    test::write_file(dir / "etc/web.toml", test::filled(R"([groups.web]
source = "@HERE@/source"
targets = [{ to = "@HERE@/copy", name = "copy" }]
standby = false
rsync = { program = "@HERE@/rsync" }
)",
                                                        {{"HERE", dir.path()}}));
    test::change_mode(dir / "etc", 0755);
    test::change_mode(dir / "etc/web.toml", 0644);
    ParsedConfig parsed = load_config(dir / "etc");
    if (!parsed.ok()) throw std::runtime_error(parsed.diagnostics.at(0).text());
    engine.apply(*parsed.config);
  }
  ~EngineVerify() override { ::unsetenv("RUNTIME_DIRECTORY"); }

  bool in_sync() const {
    const TargetStatus& target = engine.status().targets.at(0);
    return target.state == TargetState::idle && !target.full_pending;
  }

  /// The number of the call; its end is noted.
  uint64_t verify() {
    auto number = std::make_shared<uint64_t>(0);
    engine.verify(
        "web", "copy",
        [this, number](const std::vector<Verification>&) { verified.push_back(*number); }, *number);
    return *number;
  }

  static std::vector<pid_t> running() { return test::descendants(::getpid()); }

  test::TempDir dir;
  Loop loop;
  Engine engine{loop};
  std::vector<uint64_t> verified;
};

TEST_F(EngineVerify, RunsAFewAtATimeAndForgetsOnRequest) {
  ASSERT_TRUE(test::run_until(loop, [&] { return in_sync() && running().empty(); }));
  std::vector<uint64_t> calls;
  while (calls.size() < Verifications::kMostAtATime + 3) calls.push_back(verify());
  const std::vector<pid_t> first = running();
  EXPECT_EQ(Verifications::kMostAtATime, first.size());

  engine.forget_verification(calls.at(Verifications::kMostAtATime));  // it waits
  EXPECT_EQ(first, running());
  engine.forget_verification(calls.front());
  ASSERT_TRUE(test::run_until(loop, [&] { return running() != first; }));
  ASSERT_TRUE(
      test::run_until(loop, [&] { return running().size() == Verifications::kMostAtATime; }));
  EXPECT_TRUE(verified.empty());

  for (pid_t pid : running()) ::kill(pid, SIGTERM);
  ASSERT_TRUE(
      test::run_until(loop, [&] { return verified.size() == Verifications::kMostAtATime; }));
  ASSERT_EQ(1u, running().size());
  ::kill(running().front(), SIGTERM);
  ASSERT_TRUE(test::run_until(loop, [&] { return running().empty(); }));
  calls.erase(calls.begin() + Verifications::kMostAtATime);
  calls.erase(calls.begin());
  std::ranges::sort(verified);
  EXPECT_EQ(calls, verified);
}

}  // namespace
}  // namespace mirrord
