// mirrord(8), SECURITY: each claim that no other test holds.
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "e2e/transfer_lab.hpp"

namespace mirrord::test {
namespace {

mode_t mode_of(const fs::path& path) {
  struct stat st {};
  return ::lstat(path.c_str(), &st) == 0 ? st.st_mode & 07777 : 0;
}

class Security : public TransferLab {};

// A path is an argument, a line of a list or a line of a file, and never text for a shell.
TEST_F(Security, NamesAreNeverCommandsNorOptions) {
  const fs::path hook = dir / "hook", told = dir / "told";
  write_file(hook, "#!/bin/sh\ncat \"$MIRRORD_PATHS_FILE\" >> " + told.native() + "\n");
  change_mode(hook, 0755);
  configure(
      {.targets = {target_on("host", "a"), local_target("b")},
       .settings = std::string(kAtOnce) + "hooks = { after_sync = ['" + hook.native() + "'] }\n"});
  start();
  ASSERT_TRUE(arrives("first sync", {"a", "b"}));
  const std::string bait = "touch " + (dir / "bitten").native();
  std::string flat = bait;
  for (char& c : flat)
    if (c == '/') c = '_';
  for (const std::string& name :
       {"$(" + flat + ")", "`" + flat + "`", "; " + flat, "| " + flat, std::string("-e sh"),
        std::string("--rsync-path=false"), std::string("--delete"), "\n" + flat})
    write_file(images / name, "x");
  ASSERT_TRUE(arrives("names like commands", {"a", "b"}));
  EXPECT_TRUE(
      wait_until([&] { return fs::exists(told) && contains(read_file(told), "--delete"); }));
  for (const fs::path& place : {fs::path("/"), fs::current_path(), dir.path()})
    EXPECT_FALSE(fs::exists(place / flat.substr(flat.find(' ') + 1)));
  EXPECT_FALSE(fs::exists(dir / "bitten"));
}

TEST_F(Security, AHostOrLoginThatReadsAsAnOptionIsRefused) {
  for (const auto* to : {"-oProxyCommand=true:/srv", "-oProxyCommand=true@host:/srv"}) {
    configure({.targets = {"\"" + std::string(to) + "\""}});
    const Finished checked =
        run_mirrord(dir, {.config_dir = config_dir(), .arguments = {"--check"}});
    EXPECT_EQ(checked.status, 1) << to;
    EXPECT_TRUE(contains(checked.err, "as an option")) << checked.err;
  }
}

// Whoever can reach a control socket can log in through it.
TEST_F(Security, SocketsAreTheGroupsUsersAlone) {
  const fs::path runtime = dir / "run";
  fs::create_directory(runtime);
  configure({.targets = {target_on("host", "a")}, .settings = kAtOnce});
  start({}, {{"RUNTIME_DIRECTORY", runtime}});
  ASSERT_TRUE(arrives("first sync", {"a"}));
  const fs::path own = runtime / fmt::format("ssh-{}", ::geteuid());
  EXPECT_EQ(mode_of(own), 0700u);
  size_t entries = 0;
  for (const auto& entry : fs::directory_iterator(own)) {
    EXPECT_EQ(mode_of(entry.path()) & 077, 0u) << entry.path();
    ++entries;
  }
  EXPECT_GE(entries, 1u) << "the master's socket";
}

TEST_F(Security, TheGroupsUserPassesWhateverTheUmask) {
  const fs::path runtime = dir / "fresh";
  configure({.targets = {target_on("host", "a")}});
  const mode_t before = ::umask(077);
  start({}, {{"RUNTIME_DIRECTORY", runtime}});
  ::umask(before);
  ASSERT_TRUE(arrives("first sync", {"a"}));
  EXPECT_EQ(mode_of(runtime), 0755u);
}

TEST_F(Security, ASecretIsInNoLogNorCommandLine) {
  const fs::path secret = dir / "password";
  write_file(secret, "correct-horse\n");
  change_mode(secret, 0600);
  configure({.targets = {R"({ to = "rsync://mirror@127.0.0.1:1/files/", name = "a", )"
                         R"(rsync = { password_file = ")" +
                         secret.native() + "\" } }"},
             .settings = noting_rsync() + kQuickRetry});
  start({"--log-level", "debug"});
  ASSERT_TRUE(wait_until([&] { return !last_error("a").empty(); }));
  for (const std::string& text : {daemon->log(), fmt::format("{}", fmt::join(runs(), "\n")),
                                  mirrorctl({"status", "--json"}).out})
    EXPECT_FALSE(contains(text, "correct-horse")) << text;
}

// A link to /etc/shadow in a source that others can write: rsync reads it as the group's user.
TEST_F(Security, ALinkPublishesNothingThatTheUserCannotRead) {
  if (::geteuid() != 0 || !::getpwnam("nobody")) GTEST_SKIP() << "only root can be nobody";
  const fs::path secret = dir / "secret";
  write_file(secret, "for root alone\n");
  change_mode(secret, 0600);
  for (const fs::path& open : {dir.path(), dir / "org", source}) change_mode(open, 0755);
  fs::create_directory(copy("b"));
  fs::permissions(copy("b"), fs::perms::all);
  configure(
      {.targets = {local_target("b")}, .settings = std::string("user = 'nobody'\n") + kAtOnce});
  start();
  write_file(source / "readable", "x");
  fs::create_symlink(secret, source / "leak");
  ASSERT_TRUE(wait_until([&] { return fs::exists(copy("b") / "readable"); }));
  ASSERT_TRUE(wait_until([&] { return !last_error("b").empty(); })) << "it is told";
  EXPECT_FALSE(fs::exists(copy("b") / "leak"));
}

}  // namespace
}  // namespace mirrord::test
