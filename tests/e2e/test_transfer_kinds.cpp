// Where a copy can be: rsync daemons, odd and missing paths, links, IPv6.
#include <random>

#include "e2e/transfer_lab.hpp"

namespace mirrord::test {
namespace {

/// A real `rsync --daemon` on the loopback address with one module, "files".
class RsyncDaemon {
 public:
  RsyncDaemon(const fs::path& directory, const fs::path& copy, const std::string& module_settings)
      : log_(directory / "log") {
    fs::create_directories(copy);
    std::random_device device;
    for (int attempt = 0; attempt < 20; ++attempt) {
      port_ = std::uniform_int_distribution<int>(10'000, 32'000)(device);
      write_file(directory / "conf",
                 filled("port = @PORT@\naddress = 127.0.0.1\nuse chroot = no\nuid = @USER@\n"
                        "gid = *\nlog file = @LOG@\n[files]\npath = @COPY@\nread only = no\n@MORE@",
                        {{"PORT", std::to_string(port_)},
                         {"USER", login()},
                         {"LOG", log_},
                         {"COPY", copy},
                         {"MORE", module_settings}}));
      rsync_.emplace(Child::Command{.arguments = {"rsync", "--daemon", "--no-detach",
                                                  "--config=" + (directory / "conf").native()},
                                    .output = directory / "output"});
      const auto listens = [&] {
        return read_file(log_).find("listening on port") != std::string::npos;
      };
      wait_until([&] { return listens() || !rsync_->running(); });
      if (listens() && rsync_->running()) return;
    }
    throw std::runtime_error("rsync --daemon does not start: " + rsync_->output());
  }
  int port() const { return port_; }

 private:
  fs::path log_;
  int port_ = 0;
  std::optional<Child> rsync_;
};

class TransferKinds : public TransferLab {
 protected:
  void every_change_arrives(const std::string& target) {
    ASSERT_TRUE(arrives("first sync", {target}));
    write_file(images / "new/file", "new\n");
    append_file(images / "logo.png", "edited\n");
    ASSERT_TRUE(arrives("changes", {target}));
    fs::remove_all(images / "icons");
    ASSERT_TRUE(arrives("a deletion", {target}));
  }
};

TEST_F(TransferKinds, AnRsyncDaemon) {
  const RsyncDaemon rsync(dir / "rsyncd", copy("a"), "");
  configure({.targets = {filled(R"({ to = "rsync://127.0.0.1:@PORT@/files", name = "a" })",
                                {{"PORT", std::to_string(rsync.port())}})},
             .settings = kAtOnce});
  start();
  every_change_arrives("a");
}

// rsync ends with 0 there although --max-delete has kept something.
TEST_F(TransferKinds, AnRsyncDaemonIsComparedAsOthersAre) {
  const RsyncDaemon rsync(dir / "rsyncd", copy("a"), "");
  configure({.targets = {filled(R"({ to = "rsync://127.0.0.1:@PORT@/files", name = "a" })",
                                {{"PORT", std::to_string(rsync.port())}})},
             .settings = kAtOnce});
  const fs::path same = images / "same";
  write_file(same, "old");
  run_ok({"touch", "-d", "@1700000000.2", same});
  start();
  ASSERT_TRUE(arrives("first sync", {"a"}));
  EXPECT_EQ(daemon->terminate(), 0);
  fs::remove(images / "logo.png");
  write_file(same, "new");
  run_ok({"touch", "-d", "@1700000000.3", same});
  start();
  ASSERT_TRUE(arrives("a deletion and a rewrite within a second, while nobody watched", {"a"}));
  EXPECT_EQ(daemon->terminate(), 0);
  for (int i = 0; i < 50; ++i) write_file(copy("a") / "foreign" / std::to_string(i), "kept");
  start();
  EXPECT_TRUE(target_becomes("a", "held"));
  EXPECT_TRUE(fs::exists(copy("a") / "foreign/49"));
}

TEST_F(TransferKinds, AnRsyncDaemonThatWantsAPassword) {
  const fs::path secrets = dir / "secrets", wrong = dir / "wrong", right = dir / "right";
  for (const auto& [file, text] : {std::pair(secrets, "mirror:quiet\n"), std::pair(wrong, "loud\n"),
                                   std::pair(right, "quiet\n")}) {
    write_file(file, text);
    change_mode(file, 0600);
  }
  const RsyncDaemon rsync(dir / "rsyncd", copy("a"),
                          "auth users = mirror\nsecrets file = " + secrets.native() + "\n");
  const auto target = [&](const fs::path& password) {
    return filled(R"({ to = "rsync://mirror@127.0.0.1:@PORT@/files/", name = "a", )"
                  R"(rsync = { password_file = "@FILE@" } })",
                  {{"PORT", std::to_string(rsync.port())}, {"FILE", password}});
  };
  configure({.targets = {target(wrong)}, .settings = kQuickRetry});
  start();
  ASSERT_TRUE(error_names("a", "auth failed"));
  configure({.targets = {target(right)}, .settings = kQuickRetry});
  ASSERT_TRUE(signal_reload());
  every_change_arrives("a");
}

TEST_F(TransferKinds, APathWithWhatShellsRead) {
  const std::string odd = "odd $HOME 'q' `id` ;&a";
  configure({.targets = {target_on("host", odd)}});
  start();
  every_change_arrives(odd);
}

TEST_F(TransferKinds, APathWithWhatShellsReadFromAnOldRsync) {
  const std::string odd = "odd $HOME 'q' `id` ;&/a";
  const std::string old = stand_in("rsync-here", R"(
if [[ $1 == --version ]]; then
  echo 'rsync  version 3.1.2  protocol version 31'
  exit
fi)");
  configure({.targets = {target_on("host", odd, "rsync = { program = \"" + old + "\" }")}});
  start();
  every_change_arrives(odd);
}

TEST_F(TransferKinds, APathWhoseParentsAreMissing) {
  configure({.targets = {target_on("host", "far/away/a"), local_target("near/by/b")}});
  start();
  ASSERT_TRUE(arrives("first sync", {"far/away/a", "near/by/b"}));
}

TEST_F(TransferKinds, APathThatIsALink) {
  for (const auto* name : {"a", "b"}) {
    fs::create_directories(dir / "disk" / name);
    fs::create_directory_symlink(dir / "disk" / name, copy(name));
  }
  configure({.targets = {target_on("host", "a"), local_target("b")}});
  start();
  for (const auto* name : {"a", "b"}) every_change_arrives(name);
  EXPECT_TRUE(fs::is_symlink(copy("a")));
  EXPECT_TRUE(fs::is_symlink(copy("b")));
}

TEST_F(TransferKinds, AnAddressOfIpv6) {
  if (read_file("/proc/net/if_inet6").empty()) GTEST_SKIP() << "there is no IPv6 here";
  SshServer& host = server_with("host", "ListenAddress ::1\n");
  std::string target = target_on("host", "a");
  target.replace(target.find("127.0.0.1"), 9, "[::1]");
  append_file(host.known_hosts_file(), "[::1]:" + std::to_string(host.port()) + " " +
                                           read_file(dir / "sshd.host/host_key.pub"));
  configure({.targets = {target}});
  start();
  every_change_arrives("a");
}

TEST_F(TransferKinds, TheOtherNamesOfAFileFollow) {
  fs::create_hard_link(images / "logo.png", images / "same.png");
  configure({.targets = {local_target("copy")}, .settings = kQuickRetry});
  start();
  ASSERT_TRUE(arrives("first sync", {"copy"}));
  append_file(images / "same.png", "through the other name\n");
  EXPECT_TRUE(arrives("a change", {"copy"}));
  change_mode(images / "logo.png", 0600);
  EXPECT_TRUE(arrives("a change of attributes", {"copy"}));
}

TEST_F(TransferKinds, NamesOfOneFileAreJoinedWhereThatIsWanted) {
  fs::create_hard_link(images / "logo.png", images / "same.png");
  configure({.targets = {local_target("copy")},
             .settings = "rsync = { hard_links = true }\n" + std::string(kQuickRetry)});
  start();
  const auto joined = [&](const std::string& a, const std::string& b) {
    return wait_until([&] {
      std::error_code error;
      return fs::equivalent(copy("copy") / "images" / a, copy("copy") / "images" / b, error);
    });
  };
  EXPECT_TRUE(joined("logo.png", "same.png"));
  append_file(images / "same.png", "through the other name\n");
  ASSERT_TRUE(arrives("a change", {"copy"}));
  EXPECT_TRUE(joined("logo.png", "same.png"));
  change_mode(images / "logo.png", 0600);
  ASSERT_TRUE(arrives("a change of attributes", {"copy"}));
  EXPECT_TRUE(joined("logo.png", "same.png"));
  write_file(images / "single.png", "x");
  fs::create_hard_link(images / "single.png", images / "double.png");
  ASSERT_TRUE(arrives("a new link", {"copy"}));
  EXPECT_TRUE(joined("single.png", "double.png"));
}

}  // namespace
}  // namespace mirrord::test
