// The judges judged: a comparison that sees no difference, or a server that does not really stop,
// would let every other test here pass.
#include <sys/stat.h>

#include <algorithm>
#include <functional>

#include "e2e/lab.hpp"
#include "support/network.hpp"

namespace mirrord::test {
namespace {

using namespace std::chrono_literals;

class Fixtures : public Lab {
 protected:
  void SetUp() override {
    Lab::SetUp();
    if (IsSkipped()) return;
    make_story();
    run_ok({"rsync", "-aL", source.native() + '/', copy("copy")});
  }

  std::vector<std::string> seen() const {
    return difference(snapshot(source, Links::follow), snapshot(copy("copy"), Links::preserve));
  }

  /// A login as mirrord's ssh does it; the exit status of `command` there.
  Child ssh_session(SshServer& host, const std::string& command) const {
    return Child({.arguments = {"ssh", "-F", "none", "-o", "BatchMode=yes", "-o",
                                "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=2", "-o",
                                "UserKnownHostsFile=" + host.known_hosts_file().native(), "-i",
                                host.identity_file(), "-p", std::to_string(host.port()),
                                login() + '@' + host.address(), command},
                  .output = dir / "ssh.log"});
  }
};

TEST_F(Fixtures, EqualTreesAreEqual) {
  EXPECT_TRUE(seen().empty()) << seen().front();
  EXPECT_EQ("", rsync_drift(source, copy("copy")));
}

TEST_F(Fixtures, EveryKindOfDifferenceIsSeen) {
  struct Case {
    const char* line;
    std::function<void()> change;
  };
  const fs::path copied = copy("copy");
  const auto modified = fs::last_write_time(images / "logo.png");
  const auto keep_time = [&] { fs::last_write_time(copied / "images/logo.png", modified); };
  const std::vector<Case> cases{
      {"'images/logo.png': content",
       [&] { write_file(copied / "images/logo.png", "A LOGO\n"), keep_time(); }},
      {"'images/logo.png': size",
       [&] { write_file(copied / "images/logo.png", "longer logo\n"), keep_time(); }},
      {"'images/logo.png': time",
       [&] { fs::last_write_time(copied / "images/logo.png", modified + 1us); }},
      {"'news': time", [&] { fs::last_write_time(copied / "news", modified - 10s); }},
      {"'index.html': mode", [&] { change_mode(copied / "index.html", 0600); }},
      {"'.': mode", [&] { change_mode(copied, 0700); }},
      {"'index.html': missing", [&] { fs::remove(copied / "index.html"); }},
      {"'new\\n\\xff': too much", [&] { write_file(copied / "new\n\xff", ""); }},
      {"'index.html': mode",
       [&] {
         fs::remove(copied / "index.html");
         fs::create_symlink("elsewhere", copied / "index.html");
       }},
  };
  for (const auto& [line, change] : cases) {
    change();
    const auto lines = seen();
    EXPECT_TRUE(std::ranges::any_of(lines, [&](const auto& l) { return l.starts_with(line); }))
        << line;
    run_ok({"rsync", "-aLI", "--delete", source.native() + '/', copied});
  }
  EXPECT_TRUE(seen().empty()) << seen().front();
}

TEST_F(Fixtures, OwnersAreSeenByRoot) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root gives files away";
  ASSERT_EQ(0, ::chown((copy("copy") / "index.html").c_str(), 65534, 65534));
  ASSERT_EQ(1u, seen().size());
  EXPECT_TRUE(seen().front().starts_with("'index.html': uid 0 but 65534 gid")) << seen().front();
}

TEST_F(Fixtures, LoopsAndDanglingLinksAreNotFollowed) {
  fs::create_directory_symlink("..", source / "news/up");
  fs::create_symlink("nowhere", source / "dangling");
  const Tree tree = snapshot(source, Links::follow);
  EXPECT_FALSE(tree.contains("news/up"));
  EXPECT_FALSE(tree.contains("dangling"));
  EXPECT_TRUE(tree.contains("images/icons/home.png"));
}

TEST_F(Fixtures, StoppedServerEndsItsSessionsAndComesBack) {
  SshServer& host = server("tgt1");
  Child session = ssh_session(host, "touch " + (dir / "inside").native() + "; sleep 100");
  ASSERT_TRUE(wait_until([&] { return fs::exists(dir / "inside"); })) << session.output();
  host.stop();
  EXPECT_EQ(255, session.wait().value_or(-1)) << session.output();
  EXPECT_EQ(255, ssh_session(host, "true").wait().value_or(-1));
  host.start();
  Child again = ssh_session(host, "exit 7");
  EXPECT_EQ(7, again.wait().value_or(-1)) << again.output() << host.log();
}

TEST_F(Fixtures, ANetworkIsSlowAndLosesPackets) {
  if (const auto reason = Network::unavailable()) GTEST_SKIP() << *reason;
  Network network;
  SshServer host(dir / "sshd", "", {network.address(), network.entering()});
  Child session = ssh_session(
      host, filled("touch @HERE@/in; until [ -e @HERE@/go ]; do sleep 0.01; done; exit 7",
                   {{"HERE", dir.path()}}));
  ASSERT_TRUE(wait_until([&] { return fs::exists(dir / "in"); })) << session.output();

  network.cut();
  write_file(dir / "go", "");
  EXPECT_EQ(255, ssh_session(host, "true").wait().value_or(-1));
  EXPECT_TRUE(session.running()) << "it was told";
  EXPECT_GT(network.lost(), 0u);

  network.restore();
  EXPECT_EQ(7, session.wait().value_or(-1)) << session.output();
  const Stopwatch watch;
  network.set({.delay = 100ms});
  EXPECT_EQ(0, ssh_session(host, "true").wait().value_or(-1));
  EXPECT_GE(watch.elapsed(), 1s) << "a login is more than five times there and back";
}

TEST_F(Fixtures, ChildrenEndWithTheirObjects) {
  pid_t child = -1;
  std::vector<pid_t> below;
  {
    Child stubborn(
        {.arguments = {"bash", "-c", "trap '' TERM; setsid sleep 100 & touch ready; wait"},
         .output = dir / "log",
         .directory = dir.path(),
         .grace = milliseconds(50)});
    ASSERT_TRUE(wait_until([&] { return fs::exists(dir / "ready"); }));
    child = stubborn.pid();
    ASSERT_TRUE(wait_until([&] { return !(below = descendants(child)).empty(); }));
  }
  EXPECT_FALSE(process_exists(child));
  for (const pid_t pid : below) EXPECT_FALSE(process_exists(pid));
}

TEST_F(Fixtures, ProgramsThatCannotBeStartedSaySo) {
  const Finished finished = run({"no-such-program-here"});
  EXPECT_EQ(127, finished.status);
  EXPECT_NE(std::string::npos, finished.err.find("no-such-program-here"));
}

TEST_F(Fixtures, BusIsThere) {
  EXPECT_THROW(client().text(manager_object(), "Version"), std::runtime_error);
  EXPECT_EQ("org.freedesktop.DBus.Error.ServiceUnknown",
            client().call(manager_object(), "Reload", "").name);
}

}  // namespace
}  // namespace mirrord::test
