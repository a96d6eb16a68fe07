// Whole configurations of lsyncd, as its manual and its users write them, and what becomes of them:
// lsyncd/NAME.lua gives lsyncd/NAME.toml, and mirrord's own parser accepts it.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "ctl/lsyncd_import.hpp"
#include "ctl/lsyncd_toml.hpp"
#include "support/config_host.hpp"
#include "support/files.hpp"

namespace mirrord {
namespace {

namespace fs = std::filesystem;

struct Example {
  const char* name;
  std::vector<int> lines_lost;
  std::string refused = {};  ///< what the parser says of the result
};

const Example kExamples[] = {
    {"story", {}},
    {"rsync", {}},
    {"rsyncssh", {}},
    {"rsyncssh-relative",
     {1},
     "imported.toml:14:3: key 'targets' in [groups.src] has the destination \"localhost:dst\": the "
     "path must be absolute, that is, begin with '/'\n"},
    {"direct", {}},
    {"filters", {19}},
    {"bash-actions", {14}},
    {"function-actions", {19}},
    {"post-command", {6, 17}},
    {"post-command-ssh", {5, 9, 21}},
    {"alarm", {8, 15}},
    {"module", {2}},
    {"tunnel-and-cron", {8, 9}},
    {"lua51", {}},
    {"rsync-options", {15, 17, 17, 17, 17, 17, 18, 18, 18, 18, 18, 19, 19, 19}},
};

fs::path path_of(const std::string& name) { return fs::path(LSYNCD_EXAMPLES) / name; }

ImportedConfig imported(const std::string& name) {
  const std::string text = test::read_file(path_of(name + ".lua"));
  return import_lsyncd_record(evaluate_lsyncd(text), text,
                              {"/", [](const std::string&) { return "*.tmp\n"; }});
}

/// What the parser says about the text.
std::string complaints(const std::string& toml) {
  Host host = test::config_host();
  host.read_file = [](const std::string&) { return Host::Text{"*.tmp\n", ""}; };
  std::string texts;
  for (const Diagnostic& one : parse_config({{"imported.toml", toml}}, host).diagnostics)
    if (one.severity == Severity::problem) texts += one.text() + '\n';
  return texts;
}

TEST(LsyncdExamples, BecomeWhatIsExpected) {
  for (const Example& example : kExamples) {
    const std::string file = std::string(example.name) + ".lua";
    EXPECT_EQ(toml_text(imported(example.name), file),
              test::read_file(path_of(std::string(example.name) + ".toml")))
        << file;
  }
}

TEST(LsyncdExamples, NameTheLinesOfWhatIsLost) {
  for (const Example& example : kExamples) {
    std::vector<int> lines;
    for (const ImportRemark& loss : imported(example.name).losses()) lines.push_back(loss.line);
    EXPECT_EQ(lines, example.lines_lost) << example.name;
  }
}

TEST(LsyncdExamples, AreAcceptedByMirrordOrStandThereToBeMended) {
  for (const Example& example : kExamples) {
    const auto config = imported(example.name);
    if (!config.groups.empty()) {
      EXPECT_EQ(complaints(toml_text(config, "x")), example.refused) << example.name;
    }
  }
}

TEST(LsyncdExamples, AreAllTested) {
  for (const auto& entry : fs::directory_iterator(LSYNCD_EXAMPLES)) {
    const std::string name = entry.path().stem();
    EXPECT_TRUE(std::ranges::any_of(kExamples, [&](const auto& one) { return one.name == name; }))
        << entry.path();
  }
}

}  // namespace
}  // namespace mirrord
