// Transfers that are started ahead: used when they may be, thrown away when not, never missed.
#include <signal.h>

#include "e2e/transfer_lab.hpp"

namespace mirrord::test {
namespace {

class TransferStandby : public TransferLab {
 protected:
  /// One local target, up to the end of the first sync.
  void begin_local(const std::string& settings) {
    configure({.targets = {local_target("copy")}, .settings = kAtOnce + settings});
    start();
    ASSERT_TRUE(arrives("first sync", {"copy"}));
  }
  void edit() { append_file(images / "logo.png", "edited " + std::to_string(++edits_) + '\n'); }

  /// An edit arrives, and nothing was ever held against the target.
  void expect_no_failure() {
    edit();
    EXPECT_TRUE(arrives("an edit", {"copy"}));
    EXPECT_TRUE(target_becomes("copy", "idle"));
    EXPECT_EQ("", last_error("copy"));
    EXPECT_EQ(0, number("copy", "ConsecutiveFailures"));
    EXPECT_EQ(0u, logged("retrying in"));
  }

 private:
  int edits_ = 0;
};

TEST_F(TransferStandby, CarriesAnEditAndIsReplaced) {
  begin_local(noting_rsync());
  const pid_t first = standby("copy");
  const size_t before = runs().size();
  edit();
  ASSERT_TRUE(arrives("an edit", {"copy"}));
  ASSERT_TRUE(standby_is_renewed("copy", first));
  // The edit took no run of its own, only the next standby.
  EXPECT_EQ(before + 1, runs().size());
  EXPECT_FALSE(process_exists(first));
}

TEST_F(TransferStandby, CarriesAnEditOverSsh) {
  configure({.targets = {ssh_target("tgt1")}, .settings = kAtOnce + noting_rsync()});
  start();
  ASSERT_TRUE(arrives("first sync", {"tgt1"}));
  const pid_t first = standby("tgt1");
  const size_t before = runs().size();
  edit();
  ASSERT_TRUE(arrives("an edit", {"tgt1"}));
  ASSERT_TRUE(standby_is_renewed("tgt1", first));
  EXPECT_EQ(before + 1, runs().size());
}

TEST_F(TransferStandby, OutlivesTheCrawlOfANewDirectory) {
  begin_local(noting_rsync());
  standby("copy");
  const size_t before = runs().size();
  constexpr size_t kDirectories = 10;
  for (size_t i = 0; i < kDirectories; ++i) {
    const std::string name = "images/new" + std::to_string(i);
    fs::create_directory(source / name);
    ASSERT_TRUE(wait_until([&] { return fs::exists(copy("copy") / name); }));
    standby("copy");
  }
  EXPECT_EQ(before + kDirectories, runs().size()) << "each took a run of its own, and no standby";
}

TEST_F(TransferStandby, OutlivesALinkThatIsLeftOut) {
  begin_local(noting_rsync());
  const pid_t first = standby("copy");
  const size_t before = runs().size();
  fs::create_directory_symlink(images, images / "loop");
  ASSERT_TRUE(wait_until([&] { return runs().size() > before; }));
  EXPECT_EQ(first, standby("copy"));
}

TEST_F(TransferStandby, IsThrownAwayWithItsSource) {
  write_file(dir / "releases/1/page", "first release\n");
  write_file(dir / "releases/2/page", "the next release\n");
  point_link(dir / "current", dir / "releases/1");
  source = dir / "current";
  begin_local("");
  const pid_t first = standby("copy");
  point_link(dir / "current", dir / "releases/2");
  ASSERT_TRUE(arrives("the next release", {"copy"}));
  EXPECT_TRUE(all_end({first}));
  write_file(dir / "releases/2/page", "the next release, mended\n");
  ASSERT_TRUE(arrives("an edit in it", {"copy"}));
}

TEST_F(TransferStandby, IsThrownAwayWithTheRules) {
  begin_local("");
  const pid_t first = standby("copy");
  configure({.targets = {local_target("copy")},
             .settings = kAtOnce + std::string("exclude = [\"*.tmp\"]\n")});
  ASSERT_TRUE(signal_reload());
  EXPECT_TRUE(all_end({first}));
  write_file(images / "a.tmp", "not to be seen\n");
  write_file(images / "b.png", "to be seen\n");
  ASSERT_TRUE(holds(copy("copy") / "images/b.png", "to be seen\n"));
  EXPECT_FALSE(fs::exists(copy("copy") / "images/a.tmp"));
}

TEST_F(TransferStandby, IsThrownAwayByPause) {
  begin_local("");
  const pid_t first = standby("copy");
  ASSERT_EQ(0, mirrorctl({"pause", "web"}).status);
  EXPECT_TRUE(all_end({first}));
  edit();
  ASSERT_TRUE(wait_until([&] { return number("copy", "Pending") > 0; }));
  EXPECT_EQ("paused", target_state("copy"));
  EXPECT_TRUE(children("rsync").empty());
  ASSERT_EQ(0, mirrorctl({"resume", "web"}).status);
  ASSERT_TRUE(arrives("what was collected", {"copy"}));
}

TEST_F(TransferStandby, ItsDeathWhileIdleCostsNothing) {
  begin_local("");
  const pid_t first = standby("copy");
  ::kill(first, SIGKILL);
  ASSERT_TRUE(all_end({first}));
  expect_no_failure();
  standby("copy");  // and there is one again
}

TEST_F(TransferStandby, ItsDeathUnderItsWorkCostsNothing) {
  begin_local(noting_rsync(R"(
if [[ $* == *--files-from=-* ]] && mkdir @HERE@/died 2>/dev/null; then
  read -rN1
  kill -KILL $$
fi)"));
  ASSERT_TRUE(wait_until([&] { return fs::exists(dir / "died"); }));
  expect_no_failure();
}

TEST_F(TransferStandby, NoneWhereNoneIsWanted) {
  const auto* setting = "standby = false\n";
  begin_local(setting);
  expect_no_failure();
  EXPECT_TRUE(children("rsync").empty());

  configure({.targets = {local_target("copy")}, .settings = kAtOnce});
  ASSERT_TRUE(signal_reload());
  edit();
  ASSERT_TRUE(arrives("an edit", {"copy"}));
  const pid_t wanted = standby("copy");
  put_config("daemon.toml", "[daemon]\nmax_standby = 0\n");
  ASSERT_TRUE(signal_reload());
  EXPECT_TRUE(all_end({wanted}));
  expect_no_failure();
  EXPECT_TRUE(children("rsync").empty());
}

TEST_F(TransferStandby, NothingOutlivesTheDaemon) {
  for (const int number : {SIGTERM, SIGKILL}) {
    configure({.targets = {ssh_target("tgt1"), local_target("copy")}, .settings = kAtOnce});
    start();
    ASSERT_TRUE(arrives("first sync", {"tgt1", "copy"}));
    standby("tgt1");
    standby("copy");
    const auto below = descendants(daemon->pid());
    EXPECT_GE(below.size(), 4u);  // two rsyncs, an ssh and the ssh master
    daemon->signal(number);
    ASSERT_TRUE(wait_until([&] { return !daemon->running(); }));
    EXPECT_TRUE(all_end(below)) << "after signal " << number;
  }
}

}  // namespace
}  // namespace mirrord::test
