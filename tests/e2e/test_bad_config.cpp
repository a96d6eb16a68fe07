// Bad input at start: every problem is told with its place, and the exit status is 78 (EX_CONFIG).
#include <cerrno>

#include "e2e/lab.hpp"

namespace mirrord::test {
namespace {

constexpr int kInvalidConfig = 78;

class BadConfig : public Lab {
 protected:
  std::string path_of(const std::string& name) const { return (config_dir() / name).native(); }

  Finished mirrord(Arguments arguments = {}) const {
    return run_mirrord(dir, {.config_dir = config_dir(), .arguments = std::move(arguments)});
  }

  /// At start 78 and with --check 1; both, and mirrorctl, say each of `messages`.
  void refused(const std::vector<std::string>& messages) const {
    const Finished started = mirrord();
    const Finished checked = mirrord({"--check"});
    const Finished asked = run_mirrorctl({"check", "--config-dir", config_dir()});
    EXPECT_EQ(kInvalidConfig, started.status) << started.err;
    EXPECT_EQ(1, checked.status) << checked.err;
    EXPECT_EQ(1, asked.status) << asked.err;
    for (const auto& message : messages) {
      EXPECT_NE(std::string::npos, started.err.find(message)) << message << " in\n" << started.err;
      EXPECT_NE(std::string::npos, checked.err.find(message)) << message << " in\n" << checked.err;
      EXPECT_NE(std::string::npos, asked.err.find(message)) << message << " in\n" << asked.err;
    }
  }
};

constexpr auto* kGood = R"([groups.web]
source = "/srv/www"
targets = ["host:/srv/www"]
)";

TEST_F(BadConfig, MissingDirectory) { refused({config_dir().native()}); }

TEST_F(BadConfig, DirectoryIsAFile) {
  write_file(config_dir(), "not a directory\n");
  change_mode(config_dir(), 0644);
  refused({config_dir().native()});
}

TEST_F(BadConfig, UnreadableDirectory) {
  if (::geteuid() == 0) GTEST_SKIP() << "root can read every directory";
  put_config("web.toml", kGood);
  change_mode(config_dir(), 0000);
  refused({config_dir().native()});
  change_mode(config_dir(), 0755);
}

TEST_F(BadConfig, EmptyDirectory) {
  fs::create_directory(config_dir());
  change_mode(config_dir(), 0755);
  refused({config_dir().native()});
}

TEST_F(BadConfig, NothingButIgnoredFiles) {
  put_config(".hidden.toml", kGood);
  put_config("web.toml.bak", kGood);
  refused({config_dir().native()});
}

TEST_F(BadConfig, SyntaxError) {
  put_config("web.toml",
             "[groups.web]\nsource = \"/srv/www\"\ntargets = [\"host:/srv/www\"\ndelay = 3\n");
  refused({path_of("web.toml") + ":4:"});
}

TEST_F(BadConfig, RelativeSource) {
  put_config("web.toml", "[groups.web]\nsource = \"srv/www\"\ntargets = [\"host:/srv/www\"]\n");
  refused({path_of("web.toml") + ":2:", "source", "absolute"});
}

TEST_F(BadConfig, TwoGroupsOfOneName) {
  put_config("a.toml", kGood);
  put_config("b.toml", std::string("# the same again\n") + kGood);
  refused({path_of("b.toml") + ":2:", path_of("a.toml"), "web"});
}

TEST_F(BadConfig, UnknownKeyNamesTheNearest) {
  put_config("web.toml", std::string(kGood) + "sorce = \"/srv\"\n");
  refused({path_of("web.toml") + ":4:1", "'sorce'", "'source'"});
}

TEST_F(BadConfig, EveryProblemOfEveryFileAtOnce) {
  put_config("a.toml", "[groups.a]\nsource = \"a\"\ntargets = []\n");
  put_config("b.toml", "[groups.b\n");
  put_config("c.toml", "[groups.c]\nsource = \"/c\"\ntargets = [\"/d\"]\ndelay = \"soon\"\n");
  refused({path_of("a.toml") + ":2:", path_of("a.toml") + ":3:", path_of("b.toml") + ":1:",
           path_of("c.toml") + ":4:"});
}

/// "systemctl status" shows it.
TEST_F(BadConfig, TheServiceManagerIsTold) {
  put_config("web.toml", std::string(kGood) + "sorce = \"/srv\"\n");
  Mirrord failing(dir, {.config_dir = config_dir()});
  EXPECT_TRUE(wait_until([&] { return !failing.running(); }));
  EXPECT_EQ(std::to_string(EINVAL), failing.notify().last("ERRNO"));
  EXPECT_TRUE(failing.notify().last("STATUS").starts_with(path_of("web.toml") + ":4:1: "))
      << failing.notify().last("STATUS");
  EXPECT_EQ(0u, failing.notify().count("READY=1"));
}

TEST_F(BadConfig, UnknownUser) {
  put_config("web.toml", std::string(kGood) + "user = \"no-such-user-here\"\n");
  refused({path_of("web.toml") + ":4:", "no-such-user-here"});
}

TEST_F(BadConfig, FileThatOthersCanWrite) {
  put_config("web.toml", kGood);
  for (const mode_t mode : {0664, 0646}) {
    change_mode(config_dir() / "web.toml", mode);
    refused({path_of("web.toml")});
  }
}

TEST_F(BadConfig, DirectoryThatOthersCanWrite) {
  put_config("web.toml", kGood);
  change_mode(config_dir(), 0777);
  refused({config_dir().native()});
}

TEST_F(BadConfig, GoodConfigurationPassesTheCheck) {
  put_config("web.toml", kGood);
  const Finished checked = mirrord({"--check"});
  EXPECT_EQ(0, checked.status) << checked.err;
  const Finished asked = run_mirrorctl({"check", "--config-dir", config_dir()});
  EXPECT_EQ(0, asked.status) << asked.err;
}

TEST_F(BadConfig, UsageErrors) {
  for (const auto& arguments : {Arguments{mirrord_program(), "--no-such-option"},
                                Arguments{mirrord_program(), "--log-level", "loudest"},
                                Arguments{mirrord_program(), "--config-dir", "", "--check"},
                                Arguments{mirrord_program(), "--once", "--check"},
                                Arguments{mirrorctl_program(), "--no-such-option"},
                                Arguments{mirrorctl_program(), "no-such-verb"}}) {
    const Finished finished = run(arguments);
    EXPECT_EQ(2, finished.status) << arguments.back() << ": " << finished.out << finished.err;
    EXPECT_FALSE(finished.err.empty()) << arguments.back();
  }
}

TEST_F(BadConfig, AnUnknownWordIsAnsweredWithTheKnownOnes) {
  const Finished finished = run({mirrord_program(), "--log-target", "syslog"});
  EXPECT_NE(std::string::npos, finished.err.find("'syslog' is none of auto, journal, stderr"))
      << finished.err;
}

TEST_F(BadConfig, IsToldAlsoWhereThereIsNoJournal) {
  if (fs::exists("/run/systemd/journal/socket")) GTEST_SKIP() << "there is a journal";
  put_config("web.toml", "nonsense = 1\n");
  const Finished started =
      run({mirrord_program(), "--config-dir", config_dir(), "--log-target", "journal"});
  EXPECT_EQ(kInvalidConfig, started.status);
  EXPECT_NE(std::string::npos, started.err.find("nonsense")) << started.err;
}

TEST_F(BadConfig, VersionAndHelp) {
  for (const auto& program : {mirrord_program(), mirrorctl_program()})
    for (const auto* option : {"--version", "--help"}) {
      const Finished finished = run({program, option});
      EXPECT_EQ(0, finished.status) << program << ' ' << option << ": " << finished.err;
      EXPECT_FALSE(finished.out.empty()) << program << ' ' << option;
    }
}

}  // namespace
}  // namespace mirrord::test
