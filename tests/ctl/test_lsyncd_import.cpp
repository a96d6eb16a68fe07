#include "ctl/lsyncd_import.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "ctl/lsyncd_toml.hpp"

namespace mirrord {
namespace {

ImportedConfig imported(const std::string& text) {
  const std::map<std::string, std::string> files = {{"/rules", "# x\n- a\n+ b\n"},
                                                    {"/here/list", "*.tmp\n"},
                                                    {"/clear", "!\n"},
                                                    {"/protect", "P x\n"}};
  const ImportHost host{"/here", [&](const std::string& path) {
                          const auto file = files.find(path);
                          return file == files.end() ? std::nullopt : std::optional(file->second);
                        }};
  return import_lsyncd_record(evaluate_lsyncd(text), text, host);
}

/// A block of default.rsync with these keys.
ImportedConfig block(const std::string& keys) {
  return imported(
      "sync { default.rsync, source = '/s', target = 'h:/t', rsync = { archive = true }, " + keys +
      " }");
}

std::string get(const TomlKeys& keys, const std::string& key) {
  for (const auto& [name, value] : keys)
    if (name == key) return value;
  return "";
}

std::vector<std::string> destinations(const ImportedGroup& group) {
  std::vector<std::string> texts;
  for (const ImportedTarget& target : group.targets) texts.push_back(target.to);
  return texts;
}

/// "LINE: TEXT" of each loss.
std::string losses_of(const ImportedConfig& config) {
  std::string text;
  for (const ImportRemark& loss : config.losses())
    text += std::to_string(loss.line) + ": " + loss.text + '\n';
  return text;
}

struct Case {
  const char* lua;
  const char* key;
  const char* toml;
};

TEST(LsyncdImport, CarriesTheKeysOfABlock) {
  const Case cases[] = {
      {"delay = 0", "delay", "\"0s\""},
      {"delay = 0", "max_delay", ""},
      {"delay = 15", "delay", "\"15s\""},
      {"delay = 15", "max_delay", "\"15s\""},
      {"delete = true", "delete", "true"},
      {"delete = false", "delete", "false"},
      {"delete = 'startup'", "delete", "\"startup\""},
      {"delete = 'running'", "delete", "\"running\""},
      {"delete = 'false'", "delete", "false"},
      {"exclude = '*.tmp'", "exclude", "[\"*.tmp\"]"},
      {"exclude = { '/a', '\\\\' }", "exclude", "[\"/a\", \"\\\\\"]"},
      {"excludeFrom = 'list'", "exclude_from", "\"/here/list\""},
      {"filter = { '+ /a', '- *' }", "filter", "[\"+ /a\", \"- *\"]"},
      {"filterFrom = '/rules'", "filter", "[\"- a\", \"+ b\"]"},
      {"", "symlinks", "\"preserve\""},
  };
  for (const Case& c : cases) {
    const auto config = block(c.lua);
    ASSERT_EQ(config.groups.size(), 1u) << c.lua;
    EXPECT_EQ(get(config.groups[0].keys, c.key), c.toml) << c.lua;
    EXPECT_TRUE(config.losses().empty()) << c.lua;
  }
}

TEST(LsyncdImport, ModesAndOwnersLeftAloneAreLeftAloneOrNoted) {
  struct Attributes {
    const char* rsync;
    const char* options;
    const char* note;
  };
  const std::string begin = "lsyncd left ", middle = " alone here, mirrord mirrors them; not to, ",
                    end = "add to rsync.options: ";
  // As arguments of lsyncd 2.2.3: -p, -o and -g where true is said, else where archive is.
  const Attributes cases[] = {
      {"", "", R"(modes, owners, groups|"--no-perms", "--no-owner", "--no-group")"},
      {"times = true, links = true", "",
       R"(modes, owners, groups|"--no-perms", "--no-owner", "--no-group")"},
      {"archive = true", "", ""},
      {"archive = false", R"(["--no-perms", "--no-owner", "--no-group"])", ""},
      {"archive = false, links = true, times = true",
       R"(["--no-perms", "--no-owner", "--no-group"])", ""},
      {"perms = true", "", R"(owners, groups|"--no-owner", "--no-group")"},
      {"perms = false", R"(["--no-perms"])", R"(owners, groups|"--no-owner", "--no-group")"},
      {"owner = true", "", R"(modes, groups|"--no-perms", "--no-group")"},
      {"group = true", "", R"(modes, owners|"--no-perms", "--no-owner")"},
      {"perms = true, owner = true, group = true", "", ""},
      {"perms = false, owner = false, group = false",
       R"(["--no-perms", "--no-owner", "--no-group"])", ""},
      {"archive = true, perms = false", R"(["--no-perms"])", ""},
      {"archive = true, owner = false, group = false", R"(["--no-owner", "--no-group"])", ""},
      {"archive = false, perms = true, group = true", R"(["--no-owner"])", ""},
      {"_extra = { '-a' }, perms = false", R"(["-a"])", ""},
      {"_extra = { '--archive' }", R"(["--archive"])", ""},
      {"_extra = { '-po' }", R"(["-po"])", R"(groups|"--no-group")"},
      {"_extra = { '--owner', '--no-g' }", R"(["--owner", "--no-g"])", R"(modes|"--no-perms")"},
      {"_extra = { '-T/pog' }, archive = false",
       R"(["-T/pog", "--no-perms", "--no-owner", "--no-group"])", ""},
  };
  for (const Attributes& c : cases) {
    const auto config =
        imported("sync { default.rsync, source = '/s', target = 'h:/t', rsync = { " +
                 std::string(c.rsync) + " } }");
    ASSERT_EQ(config.groups.size(), 1u) << c.rsync;
    EXPECT_EQ(get(config.groups[0].rsync, "options"), c.options) << c.rsync;
    std::string note = c.note;
    if (!note.empty()) note = begin + note.replace(note.find('|'), 1, middle + end);
    std::string remarks;
    for (const ImportRemark& remark : config.groups[0].remarks) remarks += remark.text;
    EXPECT_EQ(remarks, note) << c.rsync;
    EXPECT_TRUE(config.losses().empty()) << c.rsync;
  }
}

TEST(LsyncdImport, DirectCopiedModesAndOwnersAnyway) {
  const auto config = imported("sync { default.direct, source = '/s', target = '/t' }");
  ASSERT_EQ(config.groups.size(), 1u);
  EXPECT_TRUE(config.groups[0].remarks.empty());
}

TEST(LsyncdImport, NamesALimitThatIsNoSize) {
  for (const char* rsync : {"bwlimit = '1.5m'", "_extra = { '--bwlimit=1.5m' }"}) {
    const auto losses = block(std::string("rsync = { ") + rsync + " }").losses();
    ASSERT_EQ(losses.size(), 1u) << rsync;
    EXPECT_NE(losses[0].text.find("\"1.5m\", which is no size"), std::string::npos)
        << losses[0].text;
  }
}

TEST(LsyncdImport, SaysWhatItLoses) {
  const char* const cases[] = {
      "delay = 'x'",
      "delay = 7200",
      "filterFrom = '/nowhere'",
      "exclude = { 1 }",
      "exclude = '\\255'",
      "init = false",
      "rsync = { archive = true, copy_dirlinks = true }",
      "rsync = { archive = true, _extra = { '--max-size=1g' } }",
      "rsync = 'x'",
      "ssh = { _extra = { '-Z' } }",
      "ssh = { options = { StrictHostKeyChecking = 'ask' } }",
      "onMove = true",
  };
  for (const char* lua : cases) EXPECT_EQ(block(lua).losses().size(), 1u) << lua;
}

TEST(LsyncdImport, SaysWhatMirrordWouldRefuse) {
  struct Refused {
    const char* lua;
    const char* why;
  };
  const Refused cases[] = {
      {"rsync = { archive = true, binary = 'bin/rsync' }", "key 'program' in [groups.s.rsync]"},
      {"rsync = { archive = true, timeout = 999999 }", "key 'timeout' in [groups.s.rsync]"},
      {"rsync = { archive = true, password_file = 'p' }", "key 'password_file'"},
      {"ssh = { binary = 'bin/ssh' }", "key 'program' in [groups.s.ssh]"},
      {"ssh = { port = 0 }", "key 'port' in [groups.s.ssh]"},
      {"ssh = { options = { RequestTTY = 'force' } }",
       "key 'RequestTTY' in [groups.s.ssh.options]"},
      {"ssh = { options = { Ciphers = 'a\\nb' } }", "key 'Ciphers' in [groups.s.ssh.options]"},
      {"excludeFrom = '/clear'", "names '/clear'"},
      {"target = '/s/t'", "destination '/s/t' and source '/s' overlap"},
  };
  for (const Refused& c : cases) {
    const auto config = block(c.lua);
    ASSERT_EQ(config.losses().size(), 1u) << c.lua;
    const ImportRemark loss = config.losses()[0];
    EXPECT_TRUE(loss.text.starts_with("mirrord refuses what came of it: ")) << loss.text;
    EXPECT_NE(loss.text.find(c.why), std::string::npos) << loss.text;
    EXPECT_EQ(loss.line, 1) << c.lua;
    EXPECT_EQ(config.groups.size(), 1u) << "what is to be mended stands there: " << c.lua;
  }
  const auto settings = imported(
      "settings { maxProcesses = 2.5 }\nsync { default.rsync, source = '/s', target = '/t' }");
  ASSERT_EQ(settings.losses().size(), 1u);
  EXPECT_NE(settings.losses()[0].text.find("'max_transfers' in [daemon]"), std::string::npos);
}

TEST(LsyncdImport, NamesAFileOfRulesThatCannotBeRead) {
  for (const char* lua : {"excludeFrom = '/nowhere'", "excludeFrom = ''"}) {
    const auto config = block(lua);
    ASSERT_EQ(config.losses().size(), 1u) << lua;
    EXPECT_NE(config.losses()[0].text.find("which cannot be read"), std::string::npos);
    EXPECT_NE(get(config.groups.at(0).keys, "exclude_from"), "") << "it may be there elsewhere";
  }
}

TEST(LsyncdImport, ReadsAnSshCommand) {
  const auto ssh = [](const std::string& command) {
    return imported(
        "sync { default.rsync, source = '/s', target = 'h:/t', "
        "rsync = { archive = true, rsh = [[" +
        command + "]] } }");
  };
  const auto plain = ssh("/usr/bin/ssh -i /k -p22 -4C -o \"User x\"");
  EXPECT_EQ(plain.losses().size(), 1u) << "letters in one word";
  const ImportedGroup group = plain.groups.at(0);
  EXPECT_EQ(get(group.ssh, "program"), "\"/usr/bin/ssh\"");
  EXPECT_EQ(get(group.ssh, "identity_file"), "\"/k\"");
  EXPECT_EQ(get(group.ssh, "port"), "22");
  EXPECT_EQ(get(group.ssh_options, "User"), "\"x\"");
  EXPECT_EQ(destinations(ssh("ssh -l me").groups.at(0)), std::vector<std::string>{"me@h:/t"});
  EXPECT_EQ(get(ssh("ssh -i ~/.ssh/k").groups.at(0).ssh_options, "IdentityFile"), "\"~/.ssh/k\"");
  EXPECT_EQ(ssh("rsh -l me").losses().size(), 1u);
  EXPECT_EQ(ssh("ssh -o 'Proxy-Jump x'").losses().size(), 1u);
  EXPECT_EQ(ssh("ssh -o '=x'").losses().size(), 1u);
  EXPECT_EQ(ssh("").losses().size(), 1u);
}

TEST(LsyncdImport, APortMayBeginWithAZero) {
  const ImportedConfig config = block("ssh = { port = '022' }");
  ASSERT_EQ(config.groups.size(), 1u);
  EXPECT_EQ(get(config.groups[0].ssh, "port"), "22");
}

TEST(LsyncdImport, OneGroupForBlocksThatDifferInTheirTargetsOnly) {
  const auto config = imported(
      "for _, host in ipairs { 'a', 'b', 'a' } do\n"
      "  sync { default.rsync, source = '/s/', target = host .. ':/t/' }\n"
      "end\n"
      "sync { default.rsync, source = '/s', target = 'c:/t', delay = 1 }\n"
      "sync { default.rsync, source = '/', target = 'c:/t' }\n");
  ASSERT_EQ(config.groups.size(), 3u);
  EXPECT_EQ(config.groups[0].name, "s");
  EXPECT_EQ(destinations(config.groups[0]), (std::vector<std::string>{"a:/t", "b:/t"}));
  EXPECT_EQ(config.groups[1].name, "s-2");
  EXPECT_EQ(config.groups[2].name, "root");
}

TEST(LsyncdImport, ReadsSettings) {
  const auto config = imported(
      "settings { maxProcesses = 3, inotifyMode = 'Modify', delay = 1, pidfile = '/x', wrong = 1 "
      "}\n"
      "sync { default.rsync, source = '/s', target = '/t' }\n");
  EXPECT_EQ(get(config.daemon, "max_transfers"), "3");
  EXPECT_EQ(get(config.defaults, "sync_on"), "\"modify\"");
  EXPECT_EQ(get(config.defaults, "delay"), "\"1s\"");
  EXPECT_EQ(config.losses(),
            (std::vector<ImportRemark>{{true, 1, "'wrong' is no setting that lsyncd knows"}}));
}

TEST(LsyncdImport, AProgramWithoutBlocksIsALoss) {
  EXPECT_EQ(imported("settings {}").losses().size(), 1u);
  EXPECT_EQ(imported("nonsense(").losses().size(), 1u);
  EXPECT_EQ(imported("sync { default.rsync, target = '/t' }").losses().size(), 1u);
}

TEST(LsyncdImport, ABlockWhoseSourceTomlCannotHoldIsALoss) {
  const auto config = imported("sync { default.rsync, source = '/s\\255', target = '/t' }");
  EXPECT_TRUE(config.groups.empty());
  ASSERT_EQ(config.losses().size(), 1u);
  EXPECT_NE(config.losses()[0].text.find("no UTF-8"), std::string::npos);
}

TEST(LsyncdImport, ATargetThatTomlCannotHoldIsLeftOutOfItsGroup) {
  const auto config = imported("sync { default.rsync, source = '/s', target = '/t\\255' }");
  ASSERT_EQ(config.groups.size(), 1u);
  EXPECT_TRUE(config.groups[0].targets.empty());
  EXPECT_NE(losses_of(config).find("1: 'target' holds bytes that are no UTF-8"), std::string::npos)
      << losses_of(config);
}

TEST(LsyncdImport, OfABlockWithoutASourceOnlyWhatWasLostIsSaid) {
  const auto config = imported("sync { default.rsync, target = 'h:/t', maxProcesses = 1 }");
  EXPECT_EQ(config.remarks,
            (std::vector<ImportRemark>{{true, 1, "a sync block without a source"}}));
}

TEST(LsyncdImport, ATargetThatMirrordRefusesStandsInTheOutput) {
  struct Refused {
    const char* keys;
    std::vector<std::string> targets;
    const char* why;
  };
  const Refused cases[] = {
      {"default.rsyncssh, host = 'u@h', targetdir = 'www/'", {"u@h:www"}, "must be absolute"},
      {"default.rsyncssh, targetdir = '/t'", {":/t"}, "the host is empty"},
      {"default.rsync, target = 'h:www'", {"h:www"}, "must be absolute"},
      {"default.rsync, target = 'h:/'", {"h:/"}, "refusing to mirror onto '/'"},
      {"default.rsync", {}, "'targets' in [groups.s] is empty"},
  };
  for (const Refused& c : cases) {
    const auto config = imported("sync {\n" + std::string(c.keys) + ", source = '/s',\n" +
                                 "  delay = 2, rsync = { archive = true, acls = true } }");
    ASSERT_EQ(config.groups.size(), 1u) << c.keys;
    EXPECT_EQ(destinations(config.groups[0]), c.targets);
    EXPECT_EQ(get(config.groups[0].rsync, "acls"), "true");
    ASSERT_EQ(config.losses().size(), 1u) << losses_of(config);
    EXPECT_NE(config.losses()[0].text.find(c.why), std::string::npos) << losses_of(config);
    EXPECT_EQ(config.losses()[0].line, c.targets.empty() ? 1 : 2) << losses_of(config);
  }
}

TEST(LsyncdImport, ARelativeTargetIsToldToBeginAtTheLoginsHome) {
  const auto config =
      imported("sync { default.rsyncssh, source = '/s', host = 'h', targetdir = 'dst/' }");
  ASSERT_EQ(config.groups.size(), 1u);
  EXPECT_TRUE(std::ranges::any_of(config.groups[0].remarks, [](const ImportRemark& remark) {
    return !remark.loss && remark.text.find("the login's home") != std::string::npos;
  }));
}

/// As in lsyncd's own lpostcmd.lua, whose prepare() puts the target together.
TEST(LsyncdImport, HostAndTargetdirAreATargetOfAnyBlock) {
  const auto config = imported(
      "sync { default.rsync, source = '/s', host = 'h', targetdir = '/t', delay = 3,\n"
      "  rsync = { archive = true }, postcmd = '/x' }");
  ASSERT_EQ(config.groups.size(), 1u);
  EXPECT_EQ(destinations(config.groups[0]), std::vector<std::string>{"h:/t"});
  EXPECT_EQ(get(config.groups[0].keys, "delay"), "\"3s\"");
  ASSERT_EQ(config.losses().size(), 1u) << losses_of(config);
  EXPECT_NE(config.losses()[0].text.find("hooks.after_sync"), std::string::npos);
}

TEST(LsyncdImport, ComplainsOfATargetAtTheLineOfItsBlock) {
  std::string program;
  for (const char* target : {"h:/a", "h:/b", "h:/c", "/s/d"})
    program += "sync { default.rsync, source = '/s', target = '" + std::string(target) +
               "', rsync = { archive = true } }\n";
  const auto config = imported(program);
  ASSERT_EQ(config.groups.size(), 1u);
  EXPECT_EQ(losses_of(config).find("4: mirrord refuses"), 0u) << losses_of(config);
}

TEST(LsyncdImport, ComplainsOfBlocksThatMirrorInARing) {
  const auto config = imported(
      "sync { default.rsync, source = '/a', target = '/b', rsync = { archive = true } }\n"
      "sync { default.rsync, source = '/b', target = '/a', rsync = { archive = true } }\n");
  EXPECT_EQ(
      losses_of(config).find("0: mirrord refuses what came of it: the groups 'a', 'b' are a ring"),
      0u)
      << losses_of(config);
}

TEST(LsyncdImport, ComplainsOfARuleWhereItWasNamed) {
  const auto config = imported(
      "sync { default.rsync, source = '/a', target = 'h:/a',\n filter = { '- x' } }\n"
      "sync { default.rsync, source = '/b', target = 'h:/b',\n filterFrom = '/protect' }\n");
  EXPECT_EQ(losses_of(config).find("4: 'filterFrom' rule \"P x\""), 0u) << losses_of(config);
}

TEST(LsyncdImport, APasswordIsNotCarriedAlong) {
  const auto config =
      imported("sync { default.rsync, source = '/s', target = 'rsync://user:secret@h/mod' }");
  ASSERT_EQ(config.groups.size(), 1u);
  EXPECT_EQ(destinations(config.groups[0]), std::vector<std::string>{"rsync://user@h/mod"});
  ASSERT_EQ(config.losses().size(), 1u) << losses_of(config);
  EXPECT_NE(losses_of(config).find("rsync.password_file"), std::string::npos);
  EXPECT_EQ(toml_text(config, "x").find("secret"), std::string::npos);
}

TEST(LsyncdImport, RulesAmongRsyncsArgumentsKeepTheirOrder) {
  const std::pair<const char*, const char*> cases[] = {
      {"'--include=*.php', '--exclude=*'", R"(["+ *.php", "- *"])"},
      {"'--include', '*.php', '--exclude', '*'", R"(["+ *.php", "- *"])"},
      {"'--exclude=- a', '--exclude=+ b', '--filter=- c', '-f', '+ d'",
       R"(["- a", "+ b", "- c", "+ d"])"},
      {"'--include-from=/rules', '--exclude-from', '/here/list'", R"(["- a", "+ b", "- *.tmp"])"},
  };
  for (const auto& [extra, filter] : cases) {
    const auto config =
        block("filter = '- last', rsync = { _extra = { " + std::string(extra) + " } }");
    ASSERT_EQ(config.groups.size(), 1u);
    std::string wanted = filter;
    wanted.insert(wanted.size() - 1, ", \"- last\"");
    EXPECT_EQ(get(config.groups[0].keys, "filter"), wanted) << extra;
    EXPECT_EQ(losses_of(config), "") << extra;
  }
  EXPECT_EQ(losses_of(block("rsync = { _extra = { '--include-from=/nowhere' } }")),
            "1: 'rsync._extra' names '/nowhere', which cannot be read\n");
}

TEST(LsyncdImport, AnArgumentOfRsyncMayHaveItsValueInTheNextOne) {
  const auto config = block(
      "rsync = { archive = true, _extra = { '--bwlimit', '1000', '-T', '/tmp', '--timeout', '9', "
      "'-e', 'ssh -p 23', '--temp-dir', '/x', '--fuzzy' } }");
  ASSERT_EQ(config.groups.size(), 1u);
  EXPECT_EQ(losses_of(config), "");
  EXPECT_EQ(get(config.groups[0].rsync, "bandwidth_limit"), "\"1000k\"");
  EXPECT_EQ(get(config.groups[0].rsync, "timeout"), "\"9s\"");
  EXPECT_EQ(get(config.groups[0].ssh, "port"), "23");
  EXPECT_EQ(get(config.groups[0].rsync, "options"), R"(["-T/tmp", "--temp-dir=/x", "--fuzzy"])");
}

TEST(TomlString, HoldsEveryTextAndNothingElse) {
  EXPECT_EQ(toml_string("a\"b\\c\n\x7f"), "\"a\\\"b\\\\c\\u000a\\u007f\"");
  EXPECT_EQ(toml_string("\xc3\xa4"), "\"\xc3\xa4\"");
  EXPECT_EQ(toml_string("\xff"), std::nullopt);
}

}  // namespace
}  // namespace mirrord
