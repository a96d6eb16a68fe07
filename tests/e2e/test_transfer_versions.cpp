// Other rsyncs than the one that is installed, imitated by programs that refuse what those refuse.
#include "e2e/transfer_lab.hpp"

namespace mirrord::test {
namespace {

/// What rsync VERSION says and does not know. Options reach the other side in their short forms.
constexpr auto* kOlder = R"(
if [[ $1 == --version ]]; then
  echo 'rsync  version @VERSION@  protocol version 30'
  exit
fi
for option; do
  case $option in
    @UNKNOWN@) echo "rsync: $option: unknown option" >&2; exit 1 ;;
  esac
done)";
constexpr auto* kUnknownTo309 =
    "--delete-missing-args|--ignore-missing-args|--info=*|--mkpath|--modify-window=-1|-@-1";
constexpr auto* kUnknownTo312 = "--mkpath|--modify-window=-1|-@-1";

std::string version(const std::string& number, const std::string& unknown) {
  return filled(kOlder, {{"VERSION", number}, {"UNKNOWN", unknown}});
}

class TransferVersions : public TransferLab {
 protected:
  std::string remote(const std::string& before) const {
    return "rsync = { remote_program = \"" + stand_in("rsync-there", before).native() + "\" }";
  }

  /// Every kind of change, deletions included, with a gap in which an earlier one has arrived.
  void every_change_arrives(const std::vector<std::string>& targets) {
    ASSERT_TRUE(arrives("first sync", targets));
    append_file(images / "logo.png", "edited\n");
    write_file(images / "new/deep/file", "new\n");
    ASSERT_TRUE(arrives("new things", targets));
    fs::remove(images / "new/deep/file");
    fs::remove_all(images / "icons");
    fs::remove(source / "index.html");
    ASSERT_TRUE(arrives("deletions", targets));
    fs::rename(images / "new", source / "moved");
    change_mode(cgi_bins / "counter.cgi", 0700);
    write_file(source / "odd [a]\\b\n*name", "odd\n");
    ASSERT_TRUE(arrives("moves, modes, odd names", targets));
    fs::remove_all(source / "moved");
    fs::remove(source / "odd [a]\\b\n*name");
    write_file(source / "moved", "a file where a directory was\n");
    ASSERT_TRUE(arrives("a change of type", targets));
    for (const auto& target : targets) EXPECT_TRUE(target_becomes(target, "idle"));
  }
};

TEST_F(TransferVersions, OldOnBothSides) {
  const std::string old = version("3.0.9", kUnknownTo309);
  const std::string programs = "rsync = { program = \"" + stand_in("rsync-here", old).native() +
                               "\", remote_program = \"" + stand_in("rsync-there", old).native() +
                               "\" }";
  configure({.targets = {target_on("host", "a", programs)}, .settings = kQuickRetry});
  start();
  every_change_arrives({"a"});
  EXPECT_TRUE(children("--files-from=-").empty());  // 3.0.9 would time out
  EXPECT_EQ(0u, logged("retrying in"));
}

TEST_F(TransferVersions, OldOnTheTarget) {
  configure({.targets = {target_on("host", "a", remote(version("3.0.9", kUnknownTo309)))},
             .settings = kQuickRetry});
  start();
  every_change_arrives({"a"});
  EXPECT_EQ(0u, logged("retrying in"));
}

TEST_F(TransferVersions, AnOldTargetHasNoParentDirectory) {
  const std::string setting = remote(version("3.1.2", kUnknownTo312));
  configure({.targets = {target_on("host", "far/away/a", setting)}});
  start();
  ASSERT_TRUE(arrives("first sync", {"far/away/a"}));
}

// rsync 3.4.3, and 3.2.7 with the first security patches: known by what they say only.
TEST_F(TransferVersions, OneThatRefusesMissingArguments) {
  configure({.targets = {local_target("a")}, .settings = kQuickRetry + noting_rsync(R"(
if [[ $* == *--delete-missing-args* ]]; then
  cat >/dev/null
  echo 'invalid file mode 00 for index.html [Receiver]' >&2
  echo 'rsync error: protocol incompatibility (code 2) at flist.c(1) [Receiver]' >&2
  exit 2
fi)")});
  start();
  every_change_arrives({"a"});
  EXPECT_EQ(0u, logged("retrying in"));
  EXPECT_EQ(0, number("a", "ConsecutiveFailures"));
}

TEST_F(TransferVersions, NoneOnTheTarget) {
  const fs::path missing = dir / "rsync-there";
  const std::string setting = "rsync = { remote_program = \"" + missing.native() + "\" }";
  configure(
      {.targets = {target_on("host", "a", setting), local_target("b")}, .settings = kQuickRetry});
  start();
  ASSERT_TRUE(arrives("the other target", {"b"}));
  ASSERT_TRUE(error_names("a", "there is no rsync on the target"));
  EXPECT_EQ(127, number("a", "LastExitStatus"));
  stand_in("rsync-there");
  ASSERT_TRUE(arrives("once it is installed", {"a"}));
}

TEST_F(TransferVersions, ALoginShellThatTalks) {
  configure({.targets = {target_on("host", "a", remote("echo welcome"))}, .settings = kQuickRetry});
  start();
  ASSERT_TRUE(error_names("a", "prints text of its own"));
  stand_in("rsync-there");
  ASSERT_TRUE(arrives("once it is silent", {"a"}));
  EXPECT_TRUE(wait_until([&] { return last_error("a").empty(); }));
}

// To go on without its version would be for good: times would be compared by the second.
TEST_F(TransferVersions, OneThatDiesWhenItIsAskedIsAskedAgain) {
  const std::string flaky = stand_in("rsync-here", R"(
if [[ $1 == --version && ! -e $0.asked ]]; then
  touch "$0.asked"
  kill -9 $$
fi)");
  configure({.targets = {local_target("a")},
             .settings = "rsync = { program = \"" + flaky + "\" }\n" + kQuickRetry});
  start();
  ASSERT_TRUE(arrives("first sync", {"a"}));
  EXPECT_NE(daemon->log().find("--version' ends with status 137"), std::string::npos)
      << daemon->log();
}

}  // namespace
}  // namespace mirrord::test
