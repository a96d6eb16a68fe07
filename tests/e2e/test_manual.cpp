// The manual against what it describes: mandoc's own checks, the options of the programs, the keys
// of the configuration.
#include <regex>
#include <set>

#include <gtest/gtest.h>

#include "core/config_schema.hpp"
#include "core/metrics.hpp"
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

std::set<std::string> all_in(const std::string& text, const std::string& pattern) {
  std::set<std::string> found;
  const std::regex regex(pattern);
  for (std::sregex_iterator one(text.begin(), text.end(), regex), end; one != end; ++one)
    found.insert((*one)[1]);
  return found;
}

TEST(Manual, MandocFindsNothingToSay) {
  if (!find_program("mandoc")) GTEST_SKIP() << "mandoc is not installed";
  for (const auto& page : fs::directory_iterator(manual(""))) {
    const Finished lint = run({"mandoc", "-T", "lint", "-W", "warning", page.path()});
    EXPECT_EQ("", lint.out + lint.err);
  }
}

/// A word that is also a macro vanishes without a complaint, as "No" does.
TEST(Manual, QuotesErrorsWhole) {
  if (!find_program("mandoc")) GTEST_SKIP() << "mandoc is not installed";
  const std::string text = run({"mandoc", "-T", "ascii", manual("org.mirrord1.5")}).out;
  for (const auto* words : {"\"No such group\"", "\"No such target\""})
    EXPECT_NE(std::string::npos, text.find(words)) << words;
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

/// The code, the catalog and the manual know the same events.
TEST(Manual, MessageIds) {
  const fs::path root(MIRRORD_SOURCE_DIR);
  const auto ids = all_in(read_file(root / "src/io/log.hpp"), "\"([0-9a-f]{32})\"");
  EXPECT_FALSE(ids.empty());
  EXPECT_EQ(ids, all_in(read_file(root / "units/mirrord.catalog"), "\n-- ([0-9a-f]{32})\n"));
  EXPECT_EQ(ids, all_in(read_file(manual("mirrord.8")), "\n\\.It ([0-9a-f]{32}) Ta "));
}

/// journalctl(1) itself reads it, and every entry says what it is, and where more is said.
TEST(Manual, Catalog) {
  if (!find_program("journalctl")) GTEST_SKIP() << "journalctl is not installed";
  const fs::path file = fs::path(MIRRORD_SOURCE_DIR) / "units/mirrord.catalog";
  const TempDir dir;
  fs::create_directories(dir / "var/lib/systemd/catalog");
  fs::create_directories(dir / "usr/lib/systemd/catalog");
  fs::copy_file(file, dir / "usr/lib/systemd/catalog/mirrord.catalog");
  const Finished update = run({"journalctl", "--root=" + dir.path().native(), "--update-catalog"});
  EXPECT_EQ(0, update.status);
  EXPECT_EQ("", update.out + update.err);
  const std::string text = read_file(file);
  size_t entries = 0;
  for (size_t at = text.find("\n-- "); at != std::string::npos; ++entries) {
    const size_t next = text.find("\n-- ", at + 1);
    const std::string entry = text.substr(at, next - at);
    for (const auto* line : {"\nSubject: ", "\nDefined-By: mirrord\n", "\nDocumentation: man:"})
      EXPECT_NE(std::string::npos, entry.find(line)) << line << " in" << entry;
    at = next;
  }
  EXPECT_EQ(10u, entries);
}

TEST(Manual, JournalFields) {
  std::string code;
  for (const auto* layer : {"daemon", "io"})
    for (const auto& file : fs::directory_iterator(fs::path(MIRRORD_SOURCE_DIR) / "src" / layer))
      code += read_file(file.path());
  const std::string text = read_file(manual("mirrord.8"));
  const auto fields = all_in(code, "\\{\"((?:MIRRORD|CONFIG)_[A-Z_]+|MESSAGE_ID)\",");
  EXPECT_EQ(fields, all_in(text.substr(text.find("\n.Sh JOURNAL")),
                           "\\b((?:MIRRORD|CONFIG)_[A-Z_]+|MESSAGE_ID)= *[,\n]"));
}

TEST(Manual, Metrics) {
  const std::string metrics = metrics_text({}, "1", 0);
  std::set<std::string> names = all_in(metrics, "\n# TYPE ([a-z_]+) gauge");
  for (const auto& counter : all_in(metrics, "\n# TYPE ([a-z_]+) counter"))
    names.insert(counter + "_total");
  const std::string text = read_file(manual("mirrorctl.1"));
  EXPECT_EQ(names, all_in(text.substr(text.find("\n.Sh METRICS")), "\\b(mirrord_[a-z_]+)"));
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
