// A reading of the configuration that does not hold up the loop, also when it hangs.
#include "daemon/config_reading.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include "io/loop.hpp"
#include "support/files.hpp"
#include "support/mirrord.hpp"

namespace mirrord {
namespace {

class ConfigReadingTest : public testing::Test {
 protected:
  ConfigReadingTest() {
    test::write_file(dir / "etc/web.toml", text("one"));
    test::change_mode(dir / "etc", 0755);
    test::change_mode(dir / "etc/web.toml", 0644);
  }

  static std::string text(const std::string& group) {
    return "[groups." + group + "]\nsource = \"/srv\"\ntargets = [\"/copy\"]\n";
  }

  ConfigReading::TakeOver take_over() {
    return [this](const ParsedConfig& parsed) {
      ++taken;
      groups.clear();
      problems.clear();
      if (parsed.ok())
        for (const Group& group : parsed.config->groups) groups += group.name + ' ';
      for (const Diagnostic& one : parsed.diagnostics) problems += one.text() + '\n';
      return problems;
    };
  }

  /// A program that hangs at its first question, until there is a file `go`.
  ConfigReading::Settings hanging(Duration patience) {
    test::write_script(dir / "gather",
                       test::filled(R"(#!/bin/bash
echo "user 'webmgr'" >&2
until [[ -e @HERE@/go ]]; do sleep 0.01; done
exec @MIRRORD@ --gather --config-dir @HERE@/etc
)",
                                    {{"HERE", dir.path()}, {"MIRRORD", test::mirrord_program()}}));
    return {dir / "etc", {dir / "gather"}, patience};
  }

  ConfigReading::Done count() {
    return [this](const std::string& told) {
      ++answers;
      EXPECT_EQ(told, problems);
    };
  }

  test::TempDir dir;
  Loop loop;
  size_t taken = 0, answers = 0;
  std::string groups, problems;
};

TEST_F(ConfigReadingTest, TakesOverWhatAChildFound) {
  ConfigReading reading(
      loop, {dir / "etc", {test::mirrord_program(), kGatherOption, "--config-dir", dir / "etc"}},
      take_over());
  reading.ask(count());
  EXPECT_EQ(answers, 0u);
  ASSERT_TRUE(test::run_until(loop, [&] { return answers == 1; }));
  EXPECT_EQ(groups, "one ") << problems;
  EXPECT_FALSE(reading.busy());

  test::append_file(dir / "etc/web.toml", "nonsense = 1\n");
  reading.ask(count());
  ASSERT_TRUE(test::run_until(loop, [&] { return answers == 2; }));
  EXPECT_NE(problems.find("web.toml:4:1: "), std::string::npos) << problems;
}

TEST_F(ConfigReadingTest, WhoAsksMeanwhileGetsTheNextOne) {
  ConfigReading reading(loop, hanging(kReadingPatience), take_over());
  reading.ask(count());
  for (int i = 0; i < 3; ++i) reading.ask(count());
  test::write_file(dir / "go", "");
  ASSERT_TRUE(test::run_until(loop, [&] { return answers == 1; }));
  EXPECT_EQ(groups, "one ") << problems;
  EXPECT_TRUE(reading.busy());
  ASSERT_TRUE(test::run_until(loop, [&] { return answers == 4; }));
  EXPECT_EQ(taken, 2u);
  EXPECT_FALSE(reading.busy());
}

TEST_F(ConfigReadingTest, OneThatHangsIsGivenUpAndSaysWhere) {
  ConfigReading reading(loop, hanging(std::chrono::seconds(3)), take_over());
  reading.ask(count());
  ASSERT_TRUE(test::run_until(loop, [&] { return answers == 1; }));
  EXPECT_EQ(problems,
            (dir / "etc").native() + ":1:1: nothing was heard within 3s of user 'webmgr'\n");
  EXPECT_FALSE(reading.busy());
  test::write_file(dir / "go", "");
  reading.ask(count());
  ASSERT_TRUE(test::run_until(loop, [&] { return answers == 2; }));
  EXPECT_EQ(groups, "one ") << problems;
  EXPECT_EQ(taken, 2u);
}

TEST_F(ConfigReadingTest, WhoAsksWhileOneHangsGetsTheNextOne) {
  ConfigReading reading(loop, hanging(std::chrono::seconds(3)), take_over());
  for (int i = 0; i < 3; ++i) reading.ask(count());
  ASSERT_TRUE(test::run_until(loop, [&] { return answers == 1; }));
  EXPECT_NE(problems, "");
  test::write_file(dir / "go", "");
  ASSERT_TRUE(test::run_until(loop, [&] { return answers == 3; }));
  EXPECT_EQ(groups, "one ") << problems;
  EXPECT_EQ(taken, 2u);
  EXPECT_FALSE(reading.busy());
}

TEST_F(ConfigReadingTest, TheWatchdogHearsOfOneThatIsForgotten) {
  ConfigReading reading(loop, hanging(kReadingPatience), take_over());
  reading.ask(count());
  EXPECT_EQ(reading.undone(loop.now() + kReadingPatience / 2), "");
  EXPECT_NE(reading.undone(loop.now() + 2 * kReadingPatience).find("has used up its time"),
            std::string::npos);
  test::write_file(dir / "go", "");
  ASSERT_TRUE(test::run_until(loop, [&] { return answers == 1; }));
  EXPECT_EQ(reading.undone(loop.now() + 2 * kReadingPatience), "");
}

TEST_F(ConfigReadingTest, OneThatFailsIsAProblem) {
  test::write_script(dir / "gather", "#!/bin/bash\necho 'out of memory' >&2\nexit 1\n");
  ConfigReading reading(loop, {dir / "etc", {dir / "gather"}}, take_over());
  reading.ask(count());
  ASSERT_TRUE(test::run_until(loop, [&] { return answers == 1; }));
  EXPECT_EQ(problems, (dir / "etc").native() + ":1:1: out of memory\n");
}

TEST_F(ConfigReadingTest, OneThatIsKilledIsAProblem) {
  ConfigReading reading(loop, hanging(kReadingPatience), take_over());
  test::write_script(dir / "gather", "#!/bin/bash\necho \"user 'webmgr'\" >&2\nkill -KILL $$\n");
  reading.ask(count());
  ASSERT_TRUE(test::run_until(loop, [&] { return answers == 1; }));
  EXPECT_EQ(problems,
            (dir / "etc").native() + ":1:1: the reading was killed by signal 9 at user 'webmgr'\n");
}

TEST_F(ConfigReadingTest, AProgramThatCannotBeStartedIsAProblem) {
  ConfigReading reading(loop, {dir / "etc", {dir / "nowhere"}}, take_over());
  reading.ask(count());
  EXPECT_EQ(answers, 1u);
  EXPECT_NE(problems.find("nowhere"), std::string::npos) << problems;
  EXPECT_FALSE(reading.busy());
}

}  // namespace
}  // namespace mirrord
