// The unit files, judged by systemd's own checkers, and the daemon with the rights they leave it.
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <sstream>

#include "e2e/lab.hpp"

namespace mirrord::test {
namespace {

std::string unit_file(const std::string& name) {
  const std::string text = read_file(fs::path(MIRRORD_SOURCE_DIR) / "units" / name);
  if (text.empty()) throw std::runtime_error("no unit file " + name);
  return text;
}

void replace_all(std::string& text, const std::string& what, const std::string& with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

/// The checker also asks whether the programs exist. They are not installed where the tests run, so
/// it is given a copy of the unit that names the built ones; nothing else is changed.
std::string naming_built_programs(std::string unit) {
  for (const auto* folder : {"/usr/sbin/", "/usr/bin/"}) {
    replace_all(unit, std::string(folder) + "mirrorctl", mirrorctl_program());
    replace_all(unit, std::string(folder) + "mirrord ", mirrord_program() + ' ');
    replace_all(unit, std::string(folder) + "mirrord\n", mirrord_program() + '\n');
  }
  return unit;
}

class Unit : public Lab {
 protected:
  void SetUp() override {
    Lab::SetUp();
    if (!find_program("systemd-analyze")) GTEST_SKIP() << "systemd-analyze is not installed";
  }

  fs::path install(const std::string& name, const std::string& as) const {
    write_file(dir / as, naming_built_programs(unit_file(name)));
    change_mode(dir / as, 0644);
    return dir / as;
  }

  void nothing_to_say(const fs::path& unit) const {
    const Finished verified = run({"systemd-analyze", "verify", "--man=no", unit});
    EXPECT_EQ(0, verified.status);
    EXPECT_EQ("", verified.out + verified.err);
  }
};

TEST_F(Unit, SystemdFindsNothingToSay) {
  nothing_to_say(install("mirrord.service", "mirrord.service"));
}

TEST_F(Unit, SystemdFindsNothingToSayOfTheDropIn) {
  install("50-hardening.conf", "mirrord.service.d/50-hardening.conf");
  nothing_to_say(install("mirrord.service", "mirrord.service"));
}

TEST_F(Unit, SystemdFindsNothingToSayOfTheResync) {
  install("mirrord-resync@.service", "mirrord-resync@.service");
  install("mirrord-resync@.timer", "mirrord-resync@.timer");
  nothing_to_say(dir / "mirrord-resync@web-1.timer");
}

/// systemd's own exposure level, 0 to 10: systemd-analyze(1) security.
TEST_F(Unit, IsHardened) {
  install("50-hardening.conf", "etc/systemd/system/mirrord.service.d/50-hardening.conf");
  install("mirrord.service", "etc/systemd/system/mirrord.service");
  for (const auto* program : {"usr/sbin/mirrord", "usr/bin/mirrorctl"})
    write_script(dir / program, "#!/bin/sh\n");
  const auto judged = [&](const std::string& threshold) {
    return run({"systemd-analyze", "security", "--no-pager", "--offline=true",
                "--threshold=" + threshold, "--root=" + dir.path().native(), "mirrord.service"});
  };
  const Finished good = judged("30");
  EXPECT_EQ(0, good.status) << good.out << good.err;
  EXPECT_NE(0, judged("1").status) << "a threshold that everything passes judges nothing";
}

TEST(UnitText, IsWhatTheDaemonExpects) {
  const std::string unit = unit_file("mirrord.service");
  for (const auto* line :
       {"\nType=notify\n", "\nWatchdogSec=60\n", "\nExecReload=/usr/bin/mirrorctl reload\n",
        "\nRuntimeDirectory=mirrord\n", "\nRuntimeDirectoryMode=0755\n"})
    EXPECT_NE(std::string::npos, unit.find(line)) << line;
}

/// Without a daemon all that it can find wrong is that there is none.
TEST(UnitText, TheResyncTakesAnyGroup) {
  constexpr std::string_view kStart = "\nExecStart=/usr/bin/mirrorctl ";
  const std::string unit = unit_file("mirrord-resync@.service");
  const size_t start = unit.find(kStart) + kStart.size();
  const std::string command = unit.substr(start, unit.find('\n', start) - start);
  for (const auto* group : {"web", "-g"}) {
    Arguments arguments{"--bus", "unix:path=/nonexistent"};
    std::istringstream words(command);
    for (std::string word; words >> word;) arguments.push_back(word == "%i" ? group : word);
    const Finished sync = run_mirrorctl(arguments);
    EXPECT_EQ(3, sync.status) << sync.err;
  }
}

/// As setpriv(1) takes them: "-all,+kill,…" for what the drop-in leaves.
std::string capabilities_of_the_drop_in() {
  constexpr std::string_view kSetting = "\nCapabilityBoundingSet=";
  const std::string unit = unit_file("50-hardening.conf");
  const size_t start = unit.find(kSetting) + kSetting.size();
  std::istringstream names(unit.substr(start, unit.find('\n', start) - start));
  std::string set = "-all";
  for (std::string name; names >> name;) {
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    set += ",+" + name.substr(std::string("cap_").size());
  }
  return set;
}

class Hardened : public Lab {
 protected:
  void SetUp() override {
    Lab::SetUp();
    if (IsSkipped()) return;
    if (::geteuid() != 0) GTEST_SKIP() << "only root has capabilities to give up";
    if (!find_program("setpriv")) GTEST_SKIP() << "setpriv is not installed";
    make_story();
  }

  void start_with_few_rights() {
    const std::string capabilities = capabilities_of_the_drop_in();
    daemon = std::make_unique<Mirrord>(
        dir, Mirrord::Options{
                 .config_dir = config_dir(),
                 .bus = bus().address(),
                 .wrapper = {"setpriv", "--no-new-privs", "--bounding-set=" + capabilities}});
    daemon->wait_ready();
  }

  bool logged(const std::string& text) const {
    return daemon->log().find(text) != std::string::npos;
  }
};

TEST_F(Hardened, MirrorsOverSshAsRoot) {
  configure({.targets = {ssh_target("tgt1")}, .settings = "exclude = [\"*.tmp\"]\n"});
  start_with_few_rights();
  ASSERT_TRUE(arrives("first sync", {"tgt1"}));
  write_file(images / "new.png", "new\n");
  ASSERT_TRUE(arrives("a change", {"tgt1"}));
}

TEST_F(Hardened, MirrorsOverSshAsAnotherUser) {
  const passwd* nobody = ::getpwnam("nobody");
  if (!nobody) GTEST_SKIP() << "there is no user nobody";
  const std::string target = ssh_target("tgt1");
  // The key belongs to who uses it, and only that user can read it: ssh insists.
  for (const auto& file : {server("tgt1").identity_file(), server("tgt1").known_hosts_file()})
    ASSERT_EQ(0, ::chown(file.c_str(), nobody->pw_uid, nobody->pw_gid));
  change_mode(server("tgt1").identity_file().parent_path(), 0755);
  configure({.targets = {target}, .settings = "user = \"nobody\"\nexclude = [\"*.tmp\"]\n"});
  start_with_few_rights();
  ASSERT_TRUE(arrives("first sync", {"tgt1"}, {.owners = false}));
  write_file(images / "new.png", "new\n");
  ASSERT_TRUE(arrives("a change", {"tgt1"}, {.owners = false}));
  EXPECT_EQ(0, daemon->terminate());
  EXPECT_FALSE(logged("cannot")) << daemon->log();
}

}  // namespace
}  // namespace mirrord::test
