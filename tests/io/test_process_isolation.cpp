// What a child gets from us, and what it does not.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "io/loop.hpp"
#include "io/process.hpp"
#include "support/files.hpp"

namespace mirrord {
namespace {

using test::run_until;

class Isolation : public testing::Test {
 protected:
  ProcessResult run(std::vector<std::string> argv, std::optional<User> user = {},
                    std::vector<std::string> environment = {"PATH=/usr/bin:/bin"}) {
    std::optional<ProcessResult> result;
    Process process(loop, {std::move(argv), std::move(environment), std::move(user), ""},
                    [&](ProcessResult r) { result = std::move(r); });
    pid = process.pid();
    EXPECT_TRUE(run_until(loop, [&] { return result.has_value(); }));
    return result.value_or(ProcessResult{});
  }
  std::string output_of(const std::string& script) { return run({"/bin/sh", "-c", script}).output; }

  /// A line "Name:\tvalue" of the child's /proc/self/status.
  std::string status(const std::string& name) {
    std::istringstream lines(run({"cat", "/proc/self/status"}).output);
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with(name + ":\t")) return line.substr(name.size() + 2);
    return "";
  }
  Loop loop;
  pid_t pid = -1;
};

TEST_F(Isolation, TheEnvironmentIsExactlyTheOneGiven) {
  ::setenv("NOTIFY_SOCKET", "/nowhere", 1);
  ProcessResult result = run({"env"}, {}, {"A=1", "B=two words", "C="});
  ::unsetenv("NOTIFY_SOCKET");
  EXPECT_EQ(result.output, "A=1\nB=two words\nC=\n");
  EXPECT_EQ(run({"env"}, {}, {}).output, "");
}

TEST_F(Isolation, AUsersEnvironmentIsSmallAndPlain) {
  User user{"webmgr", "/home/webmgr", 1234, 1234, {}};
  auto environment = child_environment(user);
  for (const char* entry : {"HOME=/home/webmgr", "USER=webmgr", "LOGNAME=webmgr", "LC_ALL=C"})
    EXPECT_TRUE(std::ranges::count(environment, entry)) << entry;
  EXPECT_TRUE(std::ranges::any_of(environment, [](auto& e) { return e.starts_with("PATH=/"); }));
  EXPECT_EQ(environment.size(), 5u);
}

TEST_F(Isolation, OnlyThreeDescriptorsAreOpen) {
  Fd inherited(::open("/dev/null", O_RDONLY));  // on purpose without O_CLOEXEC
  close_on_exec_above_stderr();
  // The fourth is that of the listing itself.
  std::istringstream names(run({"ls", "/proc/self/fd"}).output);
  std::vector<std::string> open{std::istream_iterator<std::string>(names), {}};
  EXPECT_EQ(open, (std::vector<std::string>{"0", "1", "2", "3"}));
  EXPECT_GE(::fcntl(STDERR_FILENO, F_GETFD), 0);
}

TEST_F(Isolation, NoSignalIsBlockedOrIgnored) {
  EXPECT_EQ(status("SigBlk"), "0000000000000000");
  EXPECT_EQ(status("SigIgn"), "0000000000000000");
}

TEST_F(Isolation, OurOwnSignalMaskIsAsBefore) {
  sigset_t before, after;
  sigprocmask(SIG_BLOCK, nullptr, &before);
  run({"true"});
  sigprocmask(SIG_BLOCK, nullptr, &after);
  for (int signal = 1; signal < SIGRTMAX; ++signal)
    EXPECT_EQ(sigismember(&before, signal), sigismember(&after, signal)) << signal;
}

TEST_F(Isolation, ItLeadsAProcessGroupOfItsOwn) {
  std::string stat = run({"cat", "/proc/self/stat"}).output;
  std::istringstream fields(stat.substr(stat.rfind(')') + 1));
  std::string state;
  pid_t parent = 0, group = 0;
  fields >> state >> parent >> group;
  EXPECT_EQ(parent, ::getpid());
  EXPECT_EQ(group, pid);
  EXPECT_NE(group, ::getpgrp());
}

TEST_F(Isolation, ItsDirectoryIsTheRoot) { EXPECT_EQ(output_of("pwd"), "/\n"); }

TEST_F(Isolation, ItRunsAsTheUserWithItsGroups) {
  auto nobody = find_user("nobody");
  if (::geteuid() != 0 || !nobody) GTEST_SKIP() << "root is needed to become nobody";
  nobody->groups.push_back(12345);
  std::string ids = run({"cat", "/proc/self/status"}, nobody).output;
  auto four = [](unsigned id) {
    std::string text = std::to_string(id);
    return "\t" + text + "\t" + text + "\t" + text + "\t" + text + "\n";
  };
  EXPECT_NE(ids.find("Uid:" + four(nobody->uid)), std::string::npos) << ids;
  EXPECT_NE(ids.find("Gid:" + four(nobody->gid)), std::string::npos) << ids;
  EXPECT_NE(ids.find("12345"), std::string::npos) << ids;
  EXPECT_NE(ids.find("CapEff:\t0000000000000000"), std::string::npos) << ids;
  EXPECT_EQ(::geteuid(), 0u) << "we stay who we are";
}

TEST_F(Isolation, FindsUsersByName) {
  EXPECT_EQ(find_user("no-such-user-here"), std::nullopt);
  auto root = find_user("root");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->uid, 0u);
  EXPECT_EQ(root->home, "/root");
  EXPECT_TRUE(std::ranges::count(root->groups, root->gid));
  EXPECT_EQ(current_user().uid, ::geteuid());
}

}  // namespace
}  // namespace mirrord
