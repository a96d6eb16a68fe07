// ssh masters: one connection for several targets, and what happens where that cannot be.
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>

#include "e2e/transfer_lab.hpp"

namespace mirrord::test {
namespace {

class TransferSsh : public TransferLab {
 protected:
  size_t logins(const std::string& host) { return count(server(host).log(), "Accepted publickey"); }
  pid_t master() {
    std::vector<pid_t> found;
    wait_until([&] { return !(found = children("ControlMaster=yes")).empty(); });
    if (found.size() != 1) throw std::runtime_error("there is not one ssh master");
    return found.front();
  }
  void edit() { append_file(images / "logo.png", "edited\n"); }
};

TEST_F(TransferSsh, TargetsOfOneHostShareALogin) {
  configure({.targets = {target_on("host", "a"), target_on("host", "b"), target_on("host", "c")},
             .settings = kAtOnce});
  start();
  ASSERT_TRUE(arrives("first sync", {"a", "b", "c"}));
  edit();
  ASSERT_TRUE(arrives("an edit", {"a", "b", "c"}));
  EXPECT_EQ(1u, logins("host"));
  EXPECT_NO_THROW(master());
}

TEST_F(TransferSsh, AMasterIsNotAskedForMoreThanItsSessions) {
  server_with("host", "LogLevel VERBOSE\n");
  std::vector<std::string> names, targets;
  for (int i = 0; i < 11; ++i) names.push_back(fmt::format("t{}", i));
  for (const auto& name : names) targets.push_back(target_on("host", name));
  configure({.targets = targets, .settings = kAtOnce});
  start();
  ASSERT_TRUE(arrives("first sync", names));
  ASSERT_TRUE(wait_until([&] { return children("--files-from").size() == 7; }));
  for (int i = 0; i < 5; ++i) {
    edit();
    ASSERT_TRUE(arrives("an edit", names));
  }
  EXPECT_FALSE(contains(server("host").log(), "no more sessions"));
  EXPECT_LT(logins("host"), names.size()) << "of 66 transfers few find no session";
}

TEST_F(TransferSsh, AMasterThatDiesIsReplaced) {
  configure({.targets = {target_on("host", "a"), target_on("host", "b")},
             .settings = std::string(kAtOnce) + kQuickRetry});
  start();
  ASSERT_TRUE(arrives("first sync", {"a", "b"}));
  const pid_t first = master();
  ::kill(first, SIGKILL);
  ASSERT_TRUE(all_end({first}));
  edit();
  ASSERT_TRUE(arrives("an edit", {"a", "b"}));
  EXPECT_NE(first, master());
  EXPECT_EQ(2u, logins("host"));
}

/// Another host's rsync is told of filters only when it may delete.
TEST_F(TransferSsh, WhatIsExcludedIsNotDeletedThereEither) {
  configure({.targets = {target_on("host", "a"), local_target("here")},
             .settings = std::string(kAtOnce) + "exclude = [\"*.tmp\"]\n"});
  start();
  ASSERT_TRUE(arrives("first sync", {"a", "here"}));
  for (const char* standby : {"with a standby", "without"}) {
    const fs::path gone = images / standby;
    write_file(gone / "file", "1\n");
    ASSERT_TRUE(arrives("a directory", {"a", "here"}));
    for (const char* target : {"a", "here"})
      write_file(copy(target) / "images" / standby / "own.tmp", "the target's");
    fs::remove_all(gone);
    for (const char* target : {"a", "here"}) {
      const fs::path left = copy(target) / "images" / standby;
      ASSERT_TRUE(wait_until([&] { return !fs::exists(left / "file"); })) << daemon->log();
      ASSERT_TRUE(target_becomes(target, "idle")) << daemon->log();
      EXPECT_TRUE(fs::exists(left / "own.tmp")) << target << ' ' << standby;
      fs::remove_all(left);
    }
    configure({.targets = {target_on("host", "a"), local_target("here")},
               .settings = std::string(kAtOnce) + "exclude = [\"*.tmp\"]\nstandby = false\n"});
    ASSERT_EQ(0, mirrorctl({"reload"}).status);
  }
}

TEST_F(TransferSsh, AHostThatAllowsOneSession) {
  server_with("host", "MaxSessions 1\n");
  configure({.targets = {target_on("host", "a"), target_on("host", "b")}, .settings = kAtOnce});
  start();
  ASSERT_TRUE(arrives("first sync", {"a", "b"}));
  for (const auto* name : {"1", "2", "3"}) {
    write_file(images / name, "new\n");
    ASSERT_TRUE(arrives("a change", {"a", "b"}));
  }
}

TEST_F(TransferSsh, AHostThatAllowsRrsyncOnly) {
  if (!find_program("rrsync")) GTEST_SKIP() << "rrsync is not installed";
  const SshServer& host = server("host");
  const fs::path jail = dir / "jail";
  fs::create_directory(jail);
  const std::string key = read_file(host.authorized_keys_file());
  write_file(host.authorized_keys_file(),
             "command=\"" + *find_program("rrsync") + " -wo " + jail.native() + "\" " + key);
  const std::string name = "jail/a";
  std::string target = target_on("host", name);
  target.replace(target.find(copy(name)), copy(name).native().size(), "/a");
  configure({.targets = {target}, .settings = kAtOnce});
  start();
  ASSERT_TRUE(arrives("first sync", {name}));
  write_file(images / "new/file", "new\n");
  ASSERT_TRUE(arrives("a new directory", {name}));
  fs::remove_all(images / "icons");
  ASSERT_TRUE(arrives("a removed directory", {name}));
}

// In a container the daemon has the same process id each time, and so do its sockets their names.
TEST_F(TransferSsh, SocketsOfAnEarlierDaemonAreNoObstacle) {
  configure({.targets = {ssh_target("tgt1")}, .settings = kAtOnce});
  write_script(dir / "after-a-crash", filled(R"(#!/bin/bash
mkdir -m 0700 @HERE@/run/ssh-$UID
for number in 1 2 3; do
  perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => shift, Listen => 1)' \
    @HERE@/run/ssh-$UID/$$-$number
done
exec "$@"
)",
                                             {{"HERE", dir.path()}}));
  daemon = std::make_unique<Mirrord>(dir, Mirrord::Options{.config_dir = config_dir(),
                                                           .bus = bus().address(),
                                                           .wrapper = {dir / "after-a-crash"}});
  daemon->wait_ready();
  ASSERT_TRUE(arrives("first sync", {"tgt1"}));
  edit();
  ASSERT_TRUE(arrives("an edit", {"tgt1"}));
  EXPECT_EQ(1u, logins("tgt1"));
}

TEST_F(TransferSsh, WithoutRoomForASocketEachConnectsItself) {
  const fs::path deep = dir / std::string(90, 'x');
  fs::create_directory(deep);
  configure({.targets = {ssh_target("tgt1")}, .settings = kAtOnce});
  start({}, {{"RUNTIME_DIRECTORY", deep}});
  ASSERT_TRUE(arrives("first sync", {"tgt1"}));
  edit();
  ASSERT_TRUE(arrives("an edit", {"tgt1"}));
  EXPECT_EQ(1u, logged("no place for ssh masters"));
  EXPECT_TRUE(children("ControlMaster=yes").empty());
}

TEST_F(TransferSsh, WithoutMultiplexEachConnectsItself) {
  configure({.targets = {ssh_target("tgt1")},
             .settings = std::string(kAtOnce) + "ssh = { multiplex = false }\n"});
  start();
  ASSERT_TRUE(arrives("first sync", {"tgt1"}));
  edit();
  ASSERT_TRUE(arrives("an edit", {"tgt1"}));
  EXPECT_TRUE(children("ControlMaster=yes").empty());
}

TEST_F(TransferSsh, ARefusedKeyIsNamedAndTriedOnceForAllTargets) {
  const std::vector<std::string> names = {"a", "b", "c", "d", "e"};
  const SshServer& host = server_with("host", "LogLevel VERBOSE\n");
  const std::string key = read_file(host.authorized_keys_file());
  write_file(host.authorized_keys_file(), "");
  std::vector<std::string> targets;
  for (const auto& name : names) targets.push_back(target_on("host", name));
  configure({.targets = targets, .settings = kQuickRetry});
  start();
  ASSERT_TRUE(error_names("a", "Permission denied"));
  ASSERT_TRUE(wait_until([&] { return number("a", "ConsecutiveFailures") >= 4; }));
  const auto attempts = static_cast<int64_t>(count(host.log(), "Connection from "));
  int64_t failures = 0;
  for (const auto& name : names) failures = std::max(failures, number(name, "ConsecutiveFailures"));
  EXPECT_LE(attempts, failures + 1) << "however many targets the host has";
  write_file(host.authorized_keys_file(), key);
  ASSERT_TRUE(arrives("once the key is accepted", names));
  EXPECT_TRUE(wait_until([&] { return last_error("a").empty(); }));
}

TEST_F(TransferSsh, ASyncThatIsAskedForDoesNotWaitForAHostThatFailed) {
  const SshServer& host = server("host");
  const std::string key = read_file(host.authorized_keys_file());
  write_file(host.authorized_keys_file(), "");
  configure({.targets = {target_on("host", "a"), target_on("host", "b")},
             .settings = "retry = { initial = \"1h\", max = \"1h\" }\n"});
  start();
  ASSERT_TRUE(error_names("a", "Permission denied"));
  ASSERT_TRUE(error_names("b", "Permission denied"));
  write_file(host.authorized_keys_file(), key);
  EXPECT_EQ(mirrorctl({"sync", "web/a"}).status, 0);
  ASSERT_TRUE(arrives("the one that was asked for", {"a"}));
  ASSERT_TRUE(arrives("the other, now that the host answers", {"b"}));
}

}  // namespace
}  // namespace mirrord::test
