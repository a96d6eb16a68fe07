// The manual against what it describes: mandoc's own checks, the options of the programs, the keys
// of the configuration.
#include <regex>
#include <set>

#include <gtest/gtest.h>

#include "core/config_schema.hpp"
#include "support/files.hpp"
#include "support/mirrord.hpp"

namespace mirrord::test {
namespace {

fs::path manual(const std::string& page) { return fs::path(MIRRORD_SOURCE_DIR) / "man" / page; }

/// Long options in a help text, "--help" and "--version" left out.
std::set<std::string> options_in(const std::string& help) {
  std::set<std::string> options;
  const std::regex option("\n +(?:-.,)?--([a-z-]+)");
  for (std::sregex_iterator one(help.begin(), help.end(), option), end; one != end; ++one)
    options.insert((*one)[1]);
  return options;
}

void describes(const std::string& page, const std::set<std::string>& options) {
  const std::string text = read_file(manual(page));
  ASSERT_FALSE(options.empty());
  for (const auto& option : options)
    EXPECT_NE(std::string::npos, text.find("-" + option)) << "--" << option << " in " << page;
}

TEST(Manual, MandocFindsNothingToSay) {
  if (!find_program("mandoc")) GTEST_SKIP() << "mandoc is not installed";
  for (const auto& page : fs::directory_iterator(manual(""))) {
    const Finished lint = run({"mandoc", "-T", "lint", "-W", "warning", page.path()});
    EXPECT_EQ("", lint.out + lint.err);
  }
}

TEST(Manual, MirrordOptions) {
  const TempDir dir;
  describes("mirrord.8", options_in(run({mirrord_program(), "--help"}).out));
}

TEST(Manual, MirrorctlOptions) {
  std::set<std::string> options = options_in(run_mirrorctl({"--help"}).out);
  for (const auto* verb : {"status", "sync", "wait", "explain", "doctor", "check", "import-lsyncd"})
    options.merge(options_in(run_mirrorctl({verb, "--help"}).out));
  describes("mirrorctl.1", options);
  EXPECT_TRUE(options.contains("approve-deletes"));
}

TEST(Manual, ConfigurationKeys) {
  const std::string text = read_file(manual("mirrord.toml.5"));
  const auto each_of = [&](const auto& schema) {
    ASSERT_FALSE(schema.empty());
    for (const auto& row : schema) {
      // An item of a list of keys.
      const std::regex item("\n\\.(It )?Cm ([^\n]* )?" + std::string(row.name) + "( |\n)");
      EXPECT_TRUE(std::regex_search(text, item)) << row.name;
    }
  };
  each_of(daemon_schema());
  each_of(group_schema());
  each_of(retry_schema());
  each_of(rsync_schema());
  each_of(ssh_schema());
  each_of(hooks_schema());
}

}  // namespace
}  // namespace mirrord::test
