// `user =`: rsync and ssh run as that user in every respect, and inherit nothing of the daemon's.
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "e2e/lab.hpp"

namespace mirrord::test {
namespace {

class User : public Lab {
 protected:
  void SetUp() override {
    Lab::SetUp();
    if (!IsSkipped()) make_story();
  }

  /// The program that records what it is given, in a directory where everybody can write.
  std::string recorder() const {
    fs::create_directories(dir / "record");
    change_mode(dir / "record", 01777);
    fs::copy_file(MIRRORD_RECORD_CHILD, dir / "record/rsync");
    return "rsync = { program = \"" + (dir / "record/rsync").native() + "\" }\n";
  }

  std::vector<std::string> record() const {
    wait_until([&] { return fs::exists(dir / "record/rsync.record"); });
    std::istringstream text(read_file(dir / "record/rsync.record"));
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }
};

/// Without the environment, which is long and may hold what belongs in no log.
std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines)
    if (!line.starts_with("env ")) text += line + '\n';
  return text;
}

bool has(const std::vector<std::string>& lines, const std::string& line) {
  return std::ranges::find(lines, line) != lines.end();
}

size_t count_prefix(const std::vector<std::string>& lines, const std::string& prefix) {
  return static_cast<size_t>(
      std::ranges::count_if(lines, [&](const auto& line) { return line.starts_with(prefix); }));
}

void inherits_nothing(const std::vector<std::string>& lines) {
  EXPECT_EQ(0u, count_prefix(lines, "blocked ")) << joined(lines);
  EXPECT_EQ(0u, count_prefix(lines, "ignored ")) << joined(lines);
  EXPECT_EQ(3u, count_prefix(lines, "fd ")) << joined(lines);
  for (const auto* fd : {"fd 0 ", "fd 1 ", "fd 2 "}) EXPECT_EQ(1u, count_prefix(lines, fd)) << fd;
  for (const auto* variable : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS",
                               "RUNTIME_DIRECTORY", "STATE_DIRECTORY", "JOURNAL_STREAM"})
    EXPECT_EQ(0u, count_prefix(lines, std::string("env ") + variable + '=')) << joined(lines);
}

/// A process group of its own, so that a signal to it reaches ssh too and the daemon not.
void leads_its_process_group(const std::vector<std::string>& lines) {
  const auto pid = std::ranges::find_if(lines, [](const auto& l) { return l.starts_with("pid "); });
  ASSERT_NE(lines.end(), pid);
  EXPECT_TRUE(has(lines, "pgid " + pid->substr(4))) << joined(lines);
}

TEST_F(User, TransfersRunAsTheGroupsUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can start children as another user";
  const passwd* nobody = ::getpwnam("nobody");
  if (!nobody) GTEST_SKIP() << "there is no user nobody";
  fs::create_directory(copy("copy"));
  ASSERT_EQ(0, ::chown(copy("copy").c_str(), nobody->pw_uid, nobody->pw_gid));
  configure({.targets = {local_target("copy")}, .settings = "user = \"nobody\"\n" + recorder()});
  start({}, {{"WATCHDOG_USEC", "20000000"}});
  ASSERT_TRUE(arrives("first sync", {"copy"}, {.owners = false}));
  write_file(images / "new.png", "new\n");
  ASSERT_TRUE(arrives("a change", {"copy"}, {.owners = false}));

  const auto lines = record();
  const std::string uid = std::to_string(nobody->pw_uid);
  const std::string gid = std::to_string(nobody->pw_gid);
  for (const auto& line :
       {"uid " + uid, "euid " + uid, "gid " + gid, "egid " + gid, "groups " + gid,
        std::string("env USER=nobody"), std::string("env LOGNAME=nobody"),
        std::string("env HOME=") + nobody->pw_dir})
    EXPECT_TRUE(has(lines, line)) << line << " in\n" << joined(lines);
  inherits_nothing(lines);
  leads_its_process_group(lines);

  struct stat status {};
  ASSERT_EQ(0, ::stat((copy("copy") / "images/new.png").c_str(), &status));
  EXPECT_EQ(nobody->pw_uid, status.st_uid);
}

TEST_F(User, TransfersRunAsTheDaemonsUserByDefault) {
  configure({.targets = {ssh_target("tgt1")}, .settings = recorder()});
  start({}, {{"WATCHDOG_USEC", "20000000"}});
  ASSERT_TRUE(arrives("first sync", {"tgt1"}));
  write_file(images / "new.png", "new\n");
  ASSERT_TRUE(arrives("a change", {"tgt1"}));
  const auto lines = record();
  EXPECT_TRUE(has(lines, "uid " + std::to_string(::geteuid()))) << joined(lines);
  inherits_nothing(lines);
  leads_its_process_group(lines);
}

TEST_F(User, WhatTheUserCannotReadFailsOnlyItself) {
  if (::geteuid() != 0) GTEST_SKIP() << "root decides what others can read";
  fs::create_directory(copy("copy"));
  change_mode(copy("copy"), 0777);
  configure({.targets = {local_target("copy")},
             .settings = "user = \"nobody\"\nretry = { initial = \"100ms\", max = \"1s\" }\n"});
  start();
  ASSERT_TRUE(holds(copy("copy") / "images/logo.png", "a logo\n"));
  write_file(source / "secret.new", "for root only\n");
  change_mode(source / "secret.new", 0600);
  fs::rename(source / "secret.new", source / "secret");
  write_file(source / "public", "for everybody\n");
  ASSERT_TRUE(holds(copy("copy") / "public", "for everybody\n"));
  EXPECT_FALSE(fs::exists(copy("copy") / "secret"));
  change_mode(source / "secret", 0644);
  ASSERT_TRUE(holds(copy("copy") / "secret", "for root only\n"));
}

}  // namespace
}  // namespace mirrord::test
