// What a configuration asked the machine, carried over as bytes and parsed without asking again.
#include "core/config_facts.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/config_host.hpp"

namespace mirrord {
namespace {

const char* const kText = R"([groups.web]
source = "/missing/www"
targets = ["tgt1:/srv/www"]
user = "webmgr"
exclude_from = "/etc/mirrord/exclude"
)";

ConfigFacts asked(const std::string& text, std::vector<std::string>* questions = nullptr) {
  ConfigFacts facts;
  facts.directory = "/etc/mirrord";
  facts.files = {{"/etc/mirrord/web.toml", text}};
  ask_what_is_needed(facts, test::config_host(), [&](const std::string& what) {
    if (questions) questions->push_back(what);
  });
  return facts;
}

TEST(ConfigFacts, MeanTheSameAfterTheirWay) {
  const ParsedConfig direct = parse_config({{"/etc/mirrord/web.toml", kText}}, test::config_host());
  const ParsedConfig carried = parse_config(facts_from_bytes(to_bytes(asked(kText))));
  ASSERT_TRUE(carried.ok()) << test::texts_of(carried);
  EXPECT_EQ(*carried.config, *direct.config);
  EXPECT_EQ(carried.diagnostics, direct.diagnostics);
  EXPECT_EQ(carried.diagnostics.size(), 1u) << "the source that is missing";
  EXPECT_EQ(carried.config->groups.at(0).runs_as.uid, 1001u);
  EXPECT_EQ(carried.config->groups.at(0).filter.size(), 3u);
}

TEST(ConfigFacts, AreAskedOnceEachAndNamed) {
  std::vector<std::string> questions;
  std::string two = kText;
  two += "[groups.two]\nsource = \"/srv/two\"\ntargets = [\"/copy\"]\nuser = \"webmgr\"\n";
  asked(two, &questions);
  std::ranges::sort(questions);
  EXPECT_EQ(questions,
            (std::vector<std::string>{"file '/etc/mirrord/exclude'", "path '/missing/www'",
                                      "path '/srv/two'", "user 'webmgr'"}));
}

TEST(ConfigFacts, ProblemsAreCarriedToo) {
  const ConfigFacts facts = asked("[groups.web]\nuser = \"nosuch\"\n");
  EXPECT_EQ(parse_config(facts_from_bytes(to_bytes(facts))).diagnostics,
            parse_config(facts.files, test::config_host()).diagnostics);
}

TEST(ConfigFacts, AFileThatWasRefusedRefusesAll) {
  ConfigFacts facts = asked(kText);
  const Diagnostic refused{Severity::problem, "/etc/mirrord/a.toml", 0, 0, "others can write it"};
  facts.refused = {refused};
  const ParsedConfig parsed = parse_config(facts_from_bytes(to_bytes(facts)));
  EXPECT_FALSE(parsed.ok());
  ASSERT_EQ(parsed.diagnostics.size(), 2u);
  EXPECT_EQ(parsed.diagnostics.at(0), refused);
}

TEST(ConfigFacts, BytesThatAreNoUtf8AreKept) {
  ConfigFacts facts;
  facts.directory = "/etc/\xff";
  facts.files = {{"/etc/\xff/\xe4.toml", std::string("# \xc3\x28\0 \xfe", 6)}};
  facts.texts["/\xe9"] = {"\xe4\n", ""};
  const ConfigFacts carried = facts_from_bytes(to_bytes(facts));
  EXPECT_EQ(carried.directory, facts.directory);
  EXPECT_EQ(carried.files.at(0).name, facts.files.at(0).name);
  EXPECT_EQ(carried.files.at(0).text, facts.files.at(0).text);
  EXPECT_EQ(carried.texts.at("/\xe9").content, "\xe4\n");
}

}  // namespace
}  // namespace mirrord
