#include "core/config.hpp"

#include "support/config_host.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace mirrord {
namespace {

using namespace std::chrono_literals;
using test::config_host;
using test::parse;
using test::texts_of;

const std::string kWeb = R"([groups.web]
source  = "/home/webmgr/contents"
targets = ["web1:/srv"]
)";

/// `text` below a group that is fine without it.
std::string problems_of(const std::string& text) { return texts_of(parse(kWeb + text)); }

TEST(Config, ReadsTheExampleOfTheContract) {
  const auto parsed = parse(R"(
[groups.web]
source  = "/home/webmgr/contents"
user    = "webmgr"
targets = [
  "webmgr@tgt1.host.local:/home/webmgr/contents",
  "webmgr@tgt2.host.local:/home/webmgr/contents",
]

[groups.web.ssh]
identity_file = "/home/webmgr/.ssh/sync-rsa2048.key"
)");
  ASSERT_TRUE(parsed.ok()) << texts_of(parsed);
  EXPECT_TRUE(parsed.diagnostics.empty());
  const Group& web = parsed.config->groups.at(0);
  EXPECT_EQ(web.name, "web");
  EXPECT_EQ(web.source, "/home/webmgr/contents");
  EXPECT_EQ(web.user, "webmgr");
  ASSERT_EQ(web.targets.size(), 2u);
  EXPECT_EQ(web.targets[1].name, "tgt2.host.local");
  EXPECT_EQ(web.targets[1].destination.login, "webmgr");
  EXPECT_EQ(web.targets[1].destination.path, "/home/webmgr/contents");
  EXPECT_EQ(web.targets[1].ssh.identity_file, "/home/webmgr/.ssh/sync-rsa2048.key");
}

TEST(Config, GivesTheDefaultsOfTheModel) {
  const auto parsed = parse(kWeb);
  ASSERT_TRUE(parsed.ok()) << texts_of(parsed);
  Group wanted;
  wanted.name = "web";
  wanted.source = "/home/webmgr/contents";
  wanted.runs_as = *config_host().find_user("");
  std::string reason;
  wanted.targets = {{"web1", *parse_destination("web1:/srv", reason), {}, {}}};
  EXPECT_EQ(parsed.config->groups, std::vector<Group>{wanted});
  EXPECT_EQ(parsed.config->limits, Limits{});
}

TEST(Config, SortsGroupsOfAllFilesByName) {
  const std::string rest = "source = \"/src\"\ntargets = [\"web1:/srv\"]\n";
  const auto parsed = parse_config({{"a.toml", "[groups.z]\n" + rest + "[groups.b]\n" + rest},
                                    {"b.toml", "[groups.\"a.1_-\"]\n" + rest}},
                                   config_host());
  ASSERT_TRUE(parsed.ok()) << texts_of(parsed);
  std::vector<std::string> names;
  for (const Group& group : parsed.config->groups) names.push_back(group.name);
  EXPECT_EQ(names, (std::vector<std::string>{"a.1_-", "b", "z"}));
}

TEST(Config, WantsAtLeastOneGroup) {
  const std::string message =
      "no groups are defined; add a file such as /etc/mirrord/web.toml with a [groups.NAME] table "
      "(see mirrord.toml(5))\n";
  EXPECT_EQ(texts_of(parse_config({}, config_host())), message);
  EXPECT_EQ(texts_of(parse("")), "a.toml:1:1: " + message);
  EXPECT_EQ(texts_of(parse("[groups]\n[daemon]\nmax_transfers = 3\n")), "a.toml:1:1: " + message);
}

TEST(Config, DoesNotAskForAGroupBesidesOtherProblems) {
  EXPECT_EQ(texts_of(parse("a = \n")).find("no groups"), std::string::npos);
  EXPECT_TRUE(parse_config({{"a.toml", ""}}, config_host(), false).diagnostics.empty())
      << "not all read";
}

TEST(Config, SyntaxErrorEndsOnlyItsOwnFile) {
  const auto parsed =
      parse_config({{"a.toml", "[groups.web\nbogus = \n"}, {"b.toml", "[groups.b]\nsorce = 1\n"}},
                   config_host());
  EXPECT_FALSE(parsed.ok());
  EXPECT_EQ(texts_of(parsed),
            "a.toml:1:12: syntax error: table header: expected ']', saw '\\n'\n"
            "b.toml:1:1: key 'source' is missing in [groups.b]; add source = \"/path\"\n"
            "b.toml:1:1: key 'targets' is missing in [groups.b]; add targets = [\"host:/path\"]\n"
            "b.toml:2:1: unknown key 'sorce' in [groups.b]; did you mean 'source'?\n");
}

TEST(Config, AStringWithoutItsQuotesIsToldAsSuch) {
  const std::pair<const char*, const char*> cases[] = {
      {"a = \"/x\nb = 1\n", "1:8: syntax error: the string is not closed; a closing \" is missing"},
      {"a = \"/x\r\n", "1:8: syntax error: the string is not closed; a closing \" is missing"},
      {"a = \"/x", "1:8: syntax error: the string is not closed; a closing \" is missing"},
      {"a = '\xc3\xa4\n", "1:7: syntax error: the string is not closed; a closing ' is missing"},
      {"a = /x\n", "1:5: syntax error: strings stand in quotes: \"/x\""},
      {"\n'\xc3\xa4'=web:/x # c\n", "2:5: syntax error: strings stand in quotes: \"web:/x\""},
      {"a = [h:/x, \"b\"]\n", "1:6: syntax error: strings stand in quotes: \"h:/x\""},
      {"a = 5s\n", "1:6: syntax error: strings stand in quotes: \"5s\""},
      {"a = /x\"\n", "1:5: syntax error: strings stand in quotes: \"/x\""},
      {"a = rsync://me:secret@h/m\n",
       "1:5: syntax error: strings stand in quotes: \"rsync://me@h/m\""},
      {"a = follow", "1:6: syntax error: strings stand in quotes: \"follow\""},
      {"a = none\n", "1:6: syntax error: strings stand in quotes: \"none\""},
      {"a = \"b\x01\"\n",
       "1:7: syntax error: string: unescaped control characters other than TAB (U+0009) are "
       "explicitly prohibited"},
  };
  for (const auto& [text, message] : cases)
    EXPECT_EQ(texts_of(parse(text)), "a.toml:" + std::string(message) + '\n') << text;
}

TEST(Config, InvalidUtf8IsASyntaxError) {
  EXPECT_EQ(texts_of(parse("a = \"\xff\"\n")),
            "a.toml:1:5: syntax error: Encountered invalid utf-8 sequence\n");
}

TEST(Config, UnknownTablesGetTheirNearest) {
  EXPECT_EQ(problems_of("[group.web]\n"),
            "a.toml:4:2: unknown table 'group'; did you mean 'groups'?\n");
  EXPECT_EQ(problems_of("[default]\n"),
            "a.toml:4:2: unknown table 'default'; did you mean 'defaults'?\n");
  EXPECT_EQ(texts_of(parse("source = \"/x\"\n")),
            "a.toml:1:1: unknown key 'source'; known tables are [daemon], [defaults] and "
            "[groups.NAME]\n");
}

TEST(Config, UnknownKeysGetTheirNearest) {
  const std::pair<const char*, const char*> cases[] = {
      {"[groups.web.retry]\nmaximum = 1\n",
       "a.toml:5:1: unknown key 'maximum' in [groups.web.retry]; known keys are 'initial', "
       "'max'\n"},
      {"nonsense = 1\n",
       "a.toml:4:1: unknown key 'nonsense' in [groups.web]; mirrord.toml(5) lists the known "
       "keys\n"},
      {"ssh.prot = 1\n",
       "a.toml:4:5: unknown key 'prot' in [groups.web.ssh]; did you mean 'port'?\n"},
      {"[daemon]\nlog-level = 1\n",
       "a.toml:5:1: unknown key 'log-level' in [daemon]; did you mean 'log_level'?\n"},
      {"[defaults]\nusr = \"webmgr\"\n",
       "a.toml:5:1: unknown key 'usr' in [defaults]; did you mean 'user'?\n"},
      {"\"a\\nb\" = 1\n",
       "a.toml:4:1: unknown key 'a\\nb' in [groups.web]; mirrord.toml(5) lists the known keys\n"},
  };
  for (const auto& [text, message] : cases) EXPECT_EQ(problems_of(text), message);
}

TEST(Config, ReportsEveryProblemOfEveryFileInOrder) {
  const auto parsed = parse_config({{"a.toml", R"([groups.a]
source = "relative"
delay = 5
targets = ["web1", "web2:/srv", 7]
ssh = { port = 0, identity_file = "~/key" }
)"},
                                    {"b.toml", R"([daemon]
max_transfers = 0
[groups.b]
targets = []
)"}},
                                   config_host());
  EXPECT_FALSE(parsed.ok());
  EXPECT_EQ(
      texts_of(parsed),
      "a.toml:2:10: key 'source' in [groups.a] has the value \"relative\": the path must be "
      "absolute, that is, begin with '/'\n"
      "a.toml:3:9: key 'delay' in [groups.a] must be a string such as \"5s\", not an "
      "integer\n"
      "a.toml:4:12: key 'targets' in [groups.a] has the destination \"web1\": it is neither "
      "HOST:/PATH nor an absolute path\n"
      "a.toml:4:33: key 'targets' in [groups.a] must be a string such as \"host:/path\", or a "
      "table with the key 'to', not an integer\n"
      "a.toml:5:16: key 'port' in [groups.a.ssh] must be between 1 and 65535, not 0\n"
      "a.toml:5:35: key 'identity_file' in [groups.a.ssh] must be an absolute path, not "
      "\"~/key\"\n"
      "b.toml:2:17: key 'max_transfers' in [daemon] must be between 1 and 1000, not 0\n"
      "b.toml:3:1: key 'source' is missing in [groups.b]; add source = \"/path\"\n"
      "b.toml:4:11: key 'targets' in [groups.b] is empty; name at least one destination\n");
}

TEST(Config, DoubledGroupNamesItsFirstPlaceAndIsStillValidated) {
  const auto parsed =
      parse_config({{"/etc/mirrord/a.toml", "\n\n" + kWeb},
                    {"/etc/mirrord/b.toml", "[groups.web]\nsource = \"/x\"\ntargets = 1\n"}},
                   config_host());
  EXPECT_FALSE(parsed.ok());
  EXPECT_EQ(texts_of(parsed),
            "/etc/mirrord/b.toml:1:1: group 'web' is already defined at /etc/mirrord/a.toml:3:1\n"
            "/etc/mirrord/b.toml:3:11: key 'targets' in [groups.web] must be a list such as "
            "[\"host:/path\"], not an integer\n");
}

TEST(Config, DaemonTableStandsOnceOverAllFiles) {
  const auto parsed = parse_config({{"a.toml", kWeb + "[daemon]\nmax_standby = 1\n"},
                                    {"b.toml", "[daemon]\nlog_level = \"loud\"\n"}},
                                   config_host());
  EXPECT_EQ(
      texts_of(parsed),
      "b.toml:1:1: [daemon] is already defined at a.toml:4:1\n"
      "b.toml:2:13: key 'log_level' in [daemon] must be one of \"emerg\", \"alert\", \"crit\", "
      "\"err\", \"warning\", \"notice\", \"info\", \"debug\", not \"loud\"\n");
}

/// The installed mirrord.toml has one, and an imported configuration may have another.
TEST(Config, ADaemonTableThatSetsNothingForbidsNoOther) {
  const auto parsed =
      parse_config({{"a.toml", "[daemon]\n"}, {"b.toml", kWeb + "[daemon]\nmax_transfers = 3\n"}},
                   config_host());
  ASSERT_TRUE(parsed.ok()) << texts_of(parsed);
  EXPECT_EQ(parsed.config->limits.max_transfers, 3u);
}

TEST(Config, ReadsTheLimitsOfTheDaemon) {
  const auto parsed = parse(kWeb + "[daemon]\nmax_transfers = 3\nlog_level = \"debug\"\n");
  ASSERT_TRUE(parsed.ok()) << texts_of(parsed);
  EXPECT_EQ(parsed.config->limits.max_transfers, 3u);
  EXPECT_EQ(parsed.config->limits.log_level, LogLevel::debug);
}

TEST(Config, GroupNamesAreMadeOfSafeCharacters) {
  for (const char* name : {"\"\"", "\"a b\"", "\"a/b\"", "\"ü\"", "\"a\\nb\"", "\"a\\u0000\""}) {
    const auto texts = texts_of(parse("[groups." + std::string(name) + "]\n"));
    EXPECT_NE(texts.find("must consist of letters, digits, '_', '.' and '-'"), std::string::npos)
        << texts;
  }
}

TEST(Config, TablesAndKeysInEachOthersPlaceAreProblems) {
  const std::pair<const char*, const char*> cases[] = {
      {"groups = 1\n", "a.toml:1:10: 'groups' must be a table\n"},
      {"daemon = \"x\"\n", "a.toml:1:10: 'daemon' must be a table\n"},
      {"[[defaults]]\n", "a.toml:1:1: 'defaults' must be a table\n"},
      {"[groups]\nsource = \"/x\"\n",
       "a.toml:2:1: key 'source' in [groups] stands outside of a group; put it below a line "
       "[groups.NAME]\n"},
  };
  for (const auto& [text, message] : cases) EXPECT_EQ(texts_of(parse(text)), message);
  EXPECT_EQ(problems_of("ssh = \"x\"\n"),
            "a.toml:4:7: key 'ssh' in [groups.web] must be a table, not a string\n");
}

TEST(ConfigDefaults, MergeKeyByKeyUnderGroupAndTarget) {
  const auto parsed = parse(R"([defaults]
user = "webmgr"
delay = "1s"
ssh = { port = 22, connect_timeout = "3s", options = { Compression = true, LogLevel = "INFO" } }
rsync.bandwidth_limit = "1M"
retry.initial = "2s"

[groups.web]
source = "/src"
delay = "2s"
retry.max = "1h"
ssh = { port = 2222, options = { loglevel = "QUIET" } }
targets = [
  "web1:/srv",
  { to = "web2:/srv", name = "two", ssh = { port = 22222 }, rsync = { compress = false } },
]
)");
  ASSERT_TRUE(parsed.ok()) << texts_of(parsed);
  const Group& web = parsed.config->groups[0];
  EXPECT_EQ(web.user, "webmgr");
  EXPECT_EQ(web.delay, 2s);
  EXPECT_EQ(web.retry, (RetrySettings{2s, 1h}));
  const Target& one = web.targets[0];
  EXPECT_EQ(one.ssh.port, 2222);
  EXPECT_EQ(one.ssh.connect_timeout, 3s);
  EXPECT_EQ(one.ssh.options,
            (std::map<std::string, std::string>{{"Compression", "yes"}, {"loglevel", "QUIET"}}));
  EXPECT_EQ(one.rsync.bandwidth_limit, 1048576u);
  const Target& two = web.targets[1];
  EXPECT_EQ(two.name, "two");
  EXPECT_EQ(two.ssh.port, 22222);
  EXPECT_EQ(two.ssh.connect_timeout, 3s);
  EXPECT_FALSE(two.rsync.compress);
  EXPECT_EQ(two.rsync.bandwidth_limit, 1048576u);
}

TEST(ConfigDefaults, HoldOnlyInTheirOwnFile) {
  const auto parsed =
      parse_config({{"a.toml", "[defaults]\ndelay = \"1s\"\n"}, {"b.toml", kWeb}}, config_host());
  ASSERT_TRUE(parsed.ok()) << texts_of(parsed);
  EXPECT_EQ(parsed.config->groups[0].delay, 100ms);
}

TEST(ConfigDefaults, AreReportedOnceAtTheirPlace) {
  const std::string defaults = R"([defaults]
user = "nobody-here"
delay = "10s"
ssh.identity_file = "/missing/key"
source = "/x"
)";
  const std::string messages =
      "a.toml:2:8: user = \"nobody-here\": no such user\n"
      "a.toml:3:9: in [defaults], max_delay = \"5s\" is shorter than delay = \"10s\"; raise "
      "max_delay or lower delay\n"
      "warning: a.toml:4:21: key 'identity_file' in [defaults.ssh] names '/missing/key', which "
      "does not exist (yet)\n"
      "a.toml:5:10: key 'source' in [defaults] is not allowed there; set it in each "
      "[groups.NAME]\n";
  const std::string rest = "source = \"/src\"\ntargets = [\"web1:/srv\"]\n";
  EXPECT_EQ(texts_of(parse(defaults)), messages);
  EXPECT_EQ(texts_of(parse(defaults + "[groups.a]\n" + rest + "[groups.b]\n" + rest)), messages);
}

TEST(ConfigOrder, MaxDelayMustNotBeLessThanDelay) {
  EXPECT_EQ(
      problems_of("delay = \"2s\"\nmax_delay = \"1s\"\n"),
      "a.toml:5:13: in [groups.web], max_delay = \"1s\" is shorter than delay = \"2s\"; raise "
      "max_delay or lower delay\n");
  EXPECT_EQ(problems_of("delay = \"6s\"\n"),
            "a.toml:4:9: in [groups.web], max_delay = \"5s\" is shorter than delay = \"6s\"; raise "
            "max_delay or lower delay\n");
  EXPECT_EQ(problems_of("delay = \"5s\"\n"), "");
}

TEST(ConfigOrder, OnlyTheResolvedGroupCounts) {
  EXPECT_EQ(problems_of("max_delay = \"20s\"\n[defaults]\ndelay = \"10s\"\n"), "");
  EXPECT_EQ(problems_of("delay = \"3s\"\n[defaults]\nmax_delay = \"2s\"\n"),
            "a.toml:4:9: in [groups.web], max_delay = \"2s\" is shorter than delay = \"3s\"; raise "
            "max_delay or lower delay\n");
}

TEST(ConfigOrder, RetryMaxMustNotBeLessThanInitial) {
  EXPECT_EQ(problems_of("retry = { initial = \"2s\", max = \"1s\" }\n"),
            "a.toml:4:33: in [groups.web], retry.max = \"1s\" is shorter than retry.initial = "
            "\"2s\"; raise retry.max or lower retry.initial\n");
}

TEST(ConfigOrder, IsNotJudgedOnAMalformedDuration) {
  EXPECT_EQ(problems_of("delay = \"10s\"\nmax_delay = \"soon\"\n"),
            "a.toml:5:13: key 'max_delay' in [groups.web] must be a duration such as \"5s\" or "
            "\"1min 30s\", not \"soon\"\n");
}

TEST(ConfigProblems, ArePrintableWhateverTheyQuote) {
  const auto parsed = parse("[groups.web]\nsource = \"/a\\u001b[2J\"\ntargets = [\"relative\"]\n");
  for (const std::string& line :
       {texts_of(parsed),
        Diagnostic{Severity::problem, "caf\xe9.toml", 1, 1, "'caf\xe9\n'"}.text()})
    EXPECT_EQ(line.find_first_of("\x1b\xe9"), std::string::npos) << line;
}

TEST(ConfigProblems, NamesInWhichSshSeesMoreAreRefused) {
  for (const auto* key : {"identity_file", "known_hosts_file"})
    for (const auto* path : {"/keys/%h", "/$HOME/key", "/a\\\\b"})
      EXPECT_NE(problems_of(fmt::format("ssh.{} = \"{}\"\n", key, path))
                    .find("in which ssh sees more than names"),
                std::string::npos)
          << key << path;
}

TEST(ConfigWarnings, DoNotRefuseTheConfiguration) {
  const auto parsed = parse(R"([groups.web]
source = "/missing/www"
targets = ["web1:/srv"]
ssh.known_hosts_file = "/missing/known_hosts"
)");
  EXPECT_TRUE(parsed.ok());
  EXPECT_EQ(texts_of(parsed),
            "warning: a.toml:2:10: key 'source' in [groups.web] names '/missing/www', which does "
            "not exist (yet)\n"
            "warning: a.toml:4:24: key 'known_hosts_file' in [groups.web.ssh] names "
            "'/missing/known_hosts', which does not exist (yet)\n");
}

TEST(ConfigWarnings, TellOfASourceThatIsNoDirectory) {
  const auto parsed = parse("[groups.web]\nsource = \"/file\"\ntargets = [\"/copy\"]\n");
  EXPECT_TRUE(parsed.ok());
  EXPECT_EQ(texts_of(parsed),
            "warning: a.toml:2:10: key 'source' in [groups.web] names '/file', which is no "
            "directory\n");
}

TEST(Diagnostic, TellsThePlace) {
  EXPECT_EQ((Diagnostic{Severity::problem, "f", 1, 2, "m"}.text()), "f:1:2: m");
  EXPECT_EQ((Diagnostic{Severity::problem, "f\n", 0, 0, "m"}.text()), "f\\n:1:1: m");
  EXPECT_EQ((Diagnostic{Severity::problem, "", 0, 0, "m"}.text()), "m");
}

}  // namespace
TEST(Config, WarnsWhereALinkOfOthersWouldBePublishedByRoot) {
  const char* open_to_others = "[groups.a]\nsource = '/shared/www'\ntargets = ['h:/x']\n";
  const ParsedConfig parsed = parse(open_to_others);
  ASSERT_TRUE(parsed.ok());
  ASSERT_EQ(parsed.diagnostics.size(), 1U);
  EXPECT_EQ(parsed.diagnostics[0].line, 2U);
  EXPECT_NE(parsed.diagnostics[0].message.find("/etc/shadow"), std::string::npos);
  for (const char* cure : {"user = 'webmgr'", "symlinks = 'preserve'", "follow_into = ['/shared']"})
    EXPECT_TRUE(parse(std::string(open_to_others) + cure).diagnostics.empty()) << cure;
}

}  // namespace mirrord
