#include "io/process.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <system_error>

#include "io/loop.hpp"
#include "support/files.hpp"

namespace mirrord {
namespace {

using namespace std::chrono_literals;
using test::run_until;
using test::TempDir;

Command shell(const std::string& script) {
  return {{"/bin/sh", "-c", script}, {"PATH=/usr/bin:/bin"}, std::nullopt, ""};
}

bool exists(pid_t pid) { return ::kill(pid, 0) == 0; }

class ProcessTest : public testing::Test {
 protected:
  ProcessResult run(Command command) {
    std::optional<ProcessResult> result;
    Process process(loop, std::move(command), [&](ProcessResult r) { result = std::move(r); });
    EXPECT_TRUE(run_until(loop, [&] { return result.has_value(); }));
    return result.value_or(ProcessResult{});
  }
  Loop loop;
  TempDir dir;
};

TEST_F(ProcessTest, ReportsExitStatusAndOutput) {
  ProcessResult result = run(shell("echo out; echo err >&2; exit 7"));
  EXPECT_EQ(result.exit.status, 7);
  EXPECT_EQ(result.exit.signal, 0);
  EXPECT_EQ(result.output, "out\n");
  EXPECT_EQ(result.error, "err\n");
}

TEST_F(ProcessTest, ReportsTheSignalThatEndedIt) {
  ProcessResult result = run(shell("kill -USR2 $$"));
  EXPECT_EQ(result.exit.signal, SIGUSR2);
}

TEST_F(ProcessTest, IgnoresAHangupWhenItShall) {
  Command command = shell("kill -HUP $$; echo alive");
  EXPECT_EQ(run(command).exit.signal, SIGHUP);
  command.ignores_hangup = true;
  EXPECT_EQ(run(command).output, "alive\n");
}

TEST_F(ProcessTest, LooksItsProgramUpInThePath) {
  EXPECT_EQ(run({{"true"}, {}, std::nullopt, ""}).exit.status, 0);
  EXPECT_EQ(run({{"false"}, {}, std::nullopt, ""}).exit.status, 1);
}

TEST_F(ProcessTest, HandsItsArgumentsOverUnchanged) {
  const std::string odd = "a b'\"$(x)*\n\xff";
  ProcessResult result = run({{"printf", "%s|", odd, "", "-"}, {}, std::nullopt, ""});
  EXPECT_EQ(result.output, odd + "||-|");
}

TEST_F(ProcessTest, FeedsItsInputWhateverItsSize) {
  for (size_t size : {size_t{0}, size_t{1}, size_t{65536}, size_t{3'000'000}}) {
    Command command = shell("cat | cksum; echo done");
    command.argv = {"wc", "-c"};
    command.input = std::string(size, '\0');
    EXPECT_EQ(run(command).output, std::to_string(size) + "\n");
  }
}

TEST_F(ProcessTest, InputThatNobodyReadsIsNoError) {
  Command command = shell("exit 3");
  command.input = std::string(1'000'000, 'x');
  EXPECT_EQ(run(command).exit.status, 3);
  command = shell("exec <&-; echo closed; exit 4");
  command.input = std::string(1'000'000, 'x');
  ProcessResult result = run(command);
  EXPECT_EQ(result.exit.status, 4);
  EXPECT_EQ(result.output, "closed\n");
}

TEST_F(ProcessTest, KeepsTheTailOfItsOutput) {
  ProcessResult result =
      run(shell("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; echo wrong >&2"));
  EXPECT_EQ(result.output.size(), Command{}.output_limit);
  EXPECT_TRUE(result.output.ends_with("line 19998\nline 19999\n"));
  EXPECT_EQ(result.error, "wrong\n");
  EXPECT_TRUE(result.error_is_whole);
}

TEST_F(ProcessTest, TellsWhenTheErrorsAreNotWhole) {
  Command command = shell("echo 12345 >&2; echo 67890 >&2");
  command.error_limit = 6;
  ProcessResult result = run(command);
  EXPECT_EQ(result.error, "67890\n");
  EXPECT_FALSE(result.error_is_whole);
}

/// No more descriptors than this many, for as long as it lives.
class Room {
 public:
  explicit Room(rlim_t descriptors) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int lowest_free = ::dup(0);
    ::close(lowest_free);
    const rlimit tight{static_cast<rlim_t>(lowest_free) + descriptors, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &tight);
  }
  ~Room() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

 private:
  rlimit before_{};
};

// Its pipes fit, and the descriptor that watches it does not: it runs by then.
TEST_F(ProcessTest, NothingIsLeftOfOneThatCannotBeWatched) {
  constexpr rlim_t kMoreThanItNeeds = 12;
  bool started = false;
  for (rlim_t descriptors = 0; descriptors < kMoreThanItNeeds; ++descriptors) {
    const Room room(descriptors);
    try {
      const Process process(loop, shell("exec sleep 60"), [](const ProcessResult&) {});
      started = true;
    } catch (const std::system_error&) {
    }
    siginfo_t info{};
    EXPECT_TRUE(
        run_until(loop, [&] { return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0; }))
        << "a child is left, with room for " << descriptors;
  }
  EXPECT_TRUE(started);
}

TEST_F(ProcessTest, WaitsForItsInput) {
  Command command = shell("echo ready; cat");
  command.waits_for_input = true;
  std::optional<ProcessResult> result;
  Process process(loop, command, [&](ProcessResult r) { result = std::move(r); });
  EXPECT_TRUE(run_until(loop, [&] { return process.output() == "ready\n"; }));
  std::string much(1 << 20, 'x');
  process.feed(much + "end");
  EXPECT_TRUE(run_until(loop, [&] { return result.has_value(); }));
  EXPECT_TRUE(result->output.ends_with("xxend"));
}

TEST_F(ProcessTest, CollectsWhatWasWrittenJustBeforeTheEnd) {
  std::string text(Command{}.output_limit, 'x');
  Command command = shell("cat >&2");
  command.input = text;
  for (int i = 0; i < 20; ++i) ASSERT_EQ(run(command).error, text);
}

TEST_F(ProcessTest, AGrandchildThatHoldsThePipeDoesNotDelayTheEnd) {
  ProcessResult result = run(shell("sleep 1000 & echo $!; exit 0"));
  EXPECT_EQ(result.exit.status, 0);
  pid_t grandchild = std::stoi(result.output);
  EXPECT_TRUE(test::wait_until([&] {
    std::string stat = test::read_file("/proc/" + std::to_string(grandchild) + "/stat");
    return stat.empty() || stat.find(") Z") != std::string::npos;
  })) << "it belongs to the child and ends with it";
}

TEST_F(ProcessTest, AProgramThatIsMissingIsNamed) {
  for (const char* program : {"/nowhere/mirrord-test", "mirrord-test-nowhere"}) {
    try {
      Process process(loop, {{program}, {}, std::nullopt, ""}, [](const ProcessResult&) {});
      FAIL() << program;
    } catch (const std::system_error& e) {
      EXPECT_EQ(e.code().value(), ENOENT);
      EXPECT_NE(std::string(e.what()).find(program), std::string::npos) << e.what();
    }
  }
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a failed start leaves no child";
}

TEST_F(ProcessTest, AProgramThatCannotBeRunIsNamed) {
  test::write_file(dir / "text", "no program");
  test::change_mode(dir / "text", 0644);
  try {
    Process process(loop, {{dir / "text"}, {}, std::nullopt, ""}, [](const ProcessResult&) {});
    FAIL();
  } catch (const std::system_error& e) {
    EXPECT_EQ(e.code().value(), EACCES);
    EXPECT_NE(std::string(e.what()).find((dir / "text").native()), std::string::npos);
  }
}

TEST_F(ProcessTest, DestroyingItKillsAndReapsItsGroup) {
  pid_t pid = -1;
  {
    Process process(loop, shell("trap '' TERM; sleep 1000 & wait; sleep 1000"),
                    [](const ProcessResult&) { FAIL() << "nobody is there to be told"; });
    pid = process.pid();
    ASSERT_GT(pid, 0);
    EXPECT_TRUE(exists(pid));
  }
  EXPECT_TRUE(run_until(loop, [&] { return !exists(pid); }));
  EXPECT_TRUE(test::wait_until([&] { return ::kill(-pid, 0) == -1; })) << "its helpers, too";
}

TEST_F(ProcessTest, DestroyingManyLeavesNoDescriptors) {
  const auto descriptors_after = [&](int processes) {
    for (int i = 0; i < processes; ++i)
      const Process process(loop, shell("exec sleep 60"), [](const ProcessResult&) {});
    EXPECT_TRUE(run_until(loop, [] {
      siginfo_t info{};
      return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0;
    }));
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  };
  const auto of_the_loop = descriptors_after(1);
  EXPECT_EQ(descriptors_after(20), of_the_loop);
}

TEST_F(ProcessTest, TerminateAsksAndThenInsists) {
  std::optional<ProcessResult> result;
  const auto keep = [&](ProcessResult r) { result = std::move(r); };
  Process polite(loop, shell("trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done"), keep);
  // TERM before the trap is set would end it by the signal; it may be either.
  polite.terminate();
  ASSERT_TRUE(run_until(loop, [&] { return result.has_value(); }));
  EXPECT_TRUE(result->exit.status == 5 || result->exit.signal == SIGTERM);
  result.reset();
  Process stubborn(loop, shell("trap '' TERM; echo ready; while :; do sleep 0.01; done"), keep);
  ASSERT_TRUE(run_until(loop, [&] { return !stubborn.output().empty(); }));
  stubborn.terminate();
  ASSERT_TRUE(run_until(loop, [&] { return result.has_value(); }));
  EXPECT_EQ(result->exit.signal, SIGKILL);
}

TEST_F(ProcessTest, HelpersOfATerminatedChildMayTidyUp) {
  const std::string left = (dir / "left").native();
  std::optional<ProcessResult> result;
  Process process(loop,
                  shell("(trap 'sleep 0.01; rm " + left + "; exit' TERM; touch " + left +
                        "; echo ready; while :; do sleep 0.001; done) & wait"),
                  [&](ProcessResult r) { result = std::move(r); });
  const pid_t group = process.pid();
  ASSERT_TRUE(run_until(loop, [&] { return !process.output().empty(); }));
  process.terminate();
  ASSERT_TRUE(run_until(loop, [&] { return result.has_value(); }));
  EXPECT_FALSE(std::filesystem::exists(left));
  EXPECT_TRUE(test::wait_until([&] { return ::kill(-group, 0) == -1; }));
}

TEST_F(ProcessTest, MayBeDestroyedInItsOwnCallback) {
  std::unique_ptr<Process> process;
  bool done = false;
  process = std::make_unique<Process>(loop, shell("exit 0"), [&](const ProcessResult&) {
    process.reset();
    done = true;
  });
  pid_t pid = process->pid();
  ASSERT_TRUE(run_until(loop, [&] { return done; }));
  loop.run_once(0ms);
  EXPECT_FALSE(exists(pid)) << "reaped";
}

TEST_F(ProcessTest, ACallbackThatThrowsEndsTheLoop) {
  Process process(loop, shell("exit 0"),
                  [](const ProcessResult&) { throw std::runtime_error("test of the barrier"); });
  Source guard = loop.timer([&] { loop.stop(0); });
  loop.arm(guard, loop.now() + 5s);
  EXPECT_EQ(loop.run(), EXIT_FAILURE);
}

TEST_F(ProcessTest, ManyRunAtATime) {
  constexpr int kCount = 30;
  std::vector<std::unique_ptr<Process>> processes;
  int sum = 0, ended = 0;
  for (int i = 0; i < kCount; ++i)
    processes.push_back(std::make_unique<Process>(loop, shell("exit " + std::to_string(i)),
                                                  [&](const ProcessResult& result) {
                                                    sum += result.exit.status;
                                                    ++ended;
                                                  }));
  ASSERT_TRUE(run_until(loop, [&] { return ended == kCount; }));
  EXPECT_EQ(sum, kCount * (kCount - 1) / 2);
}

}  // namespace
}  // namespace mirrord
