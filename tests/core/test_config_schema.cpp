#include "core/config_schema.hpp"

#include "support/config_host.hpp"

#include <gtest/gtest.h>

namespace mirrord {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

/// What one table text gives.
template <class Settings>
struct Read {
  Settings settings;
  Texts messages;
};

template <class Settings>
Read<Settings> read(const std::string& text, const ConfigSchema<Settings>& schema) {
  Read<Settings> result;
  const Host host = test::config_host();
  ConfigReport report("a.toml");
  const toml::table table = toml::parse(text);
  read_table({report, host, "[t]"}, table, schema, result.settings);
  for (const Diagnostic& one : report.take()) result.messages.push_back(one.message);
  return result;
}

GroupDraft group(const std::string& text) { return read(text, group_schema()).settings; }

std::vector<FilterRule> rules(const Texts& texts) {
  std::vector<FilterRule> rules;
  std::string reason;
  for (const std::string& text : texts) rules.push_back(*parse_filter_rule(text, reason));
  return rules;
}

struct Wrong {
  const char* text;
  const char* message;
};

template <class Settings, size_t Count>
void expect_messages(const ConfigSchema<Settings>& schema, const Wrong (&cases)[Count]) {
  for (const Wrong& wrong : cases)
    EXPECT_EQ(read(wrong.text, schema).messages, Texts{wrong.message}) << wrong.text;
}

TEST(GroupSchema, PutsValuesWhereTheyBelong) {
  EXPECT_EQ(group("source = '//src/./www/'").source, "/src/www");
  EXPECT_EQ(group("source = '/'").source, "/");
  EXPECT_EQ(group("user = 'webmgr'").user, "webmgr");
  EXPECT_EQ(group("symlinks = 'preserve'").symlinks, Symlinks::preserve);
  EXPECT_EQ(group("symlinks = 'follow-external'").symlinks, Symlinks::follow_external);
  EXPECT_EQ(group("follow_into = ['/a/', '/b']").follow_into, (Texts{"/a", "/b"}));
  EXPECT_EQ(group("follow_into = []").follow_into, Texts{}) << "not the same as anywhere";
  EXPECT_EQ(group("").follow_into, std::nullopt);
  EXPECT_EQ(group("sync_on = 'modify'").sync_on, SyncOn::modify);
  EXPECT_EQ(group("").rescan, std::nullopt);
  EXPECT_EQ(group("rescan = 'off'").rescan, Duration::zero());
  EXPECT_EQ(group("rescan = '10min'").rescan, 10min);
  EXPECT_EQ(group("delay = '0s'").delay, 0s);
  EXPECT_EQ(group("max_delay = '1min 30s'").max_delay, 90s);
  EXPECT_EQ(group("delete = true").delete_mode, DeleteMode::always);
  EXPECT_EQ(group("delete = false").delete_mode, DeleteMode::never);
  EXPECT_EQ(group("delete = 'startup'").delete_mode, DeleteMode::startup);
  EXPECT_EQ(group("delete = 'running'").delete_mode, DeleteMode::running);
  EXPECT_TRUE(group("delete_excluded = true").delete_excluded);
  EXPECT_FALSE(group("standby = false").standby);
  EXPECT_EQ(group("max_delete = 'off'").max_delete, (MaxDelete{{}, {}}));
  EXPECT_EQ(group("max_delete = 10").max_delete, (MaxDelete{10, {}}));
  EXPECT_EQ(group("max_delete = '2.5%'").max_delete, (MaxDelete{{}, 2.5}));
  EXPECT_EQ(group("exclude = ['*.tmp', '/x']").exclude, rules({"- *.tmp", "- /x"}));
  EXPECT_EQ(group("exclude_from = '/etc/mirrord/exclude'").exclude_from,
            rules({"- *.tmp", "- /cache", "- odd name"}));
  EXPECT_EQ(group("exclude_from = '/etc/mirrord/include'").exclude_from,
            rules({"- *.tmp", "+ keep"}));
  EXPECT_EQ(group("filter = ['+ /a', '-! *']").filter, rules({"+ /a", "-! *"}));
  EXPECT_EQ(group("retry = { initial = '100ms', max = '1d' }").retry, (RetrySettings{100ms, 24h}));
  EXPECT_EQ(group("hooks = { after_sync = ['/bin/true', 'x'], timeout = '1s' }").hooks,
            (HookSettings{{"/bin/true", "x"}, 1s}));
}

TEST(GroupSchema, SaysWhatIsWrong) {
  const Wrong cases[] = {
      {"delay = 5", "key 'delay' in [t] must be a string such as \"5s\", not an integer"},
      {"delay = '2h'", "key 'delay' in [t] must be between \"0s\" and \"1h\", not \"2h\""},
      {"max_delay = 12:00:00",
       "key 'max_delay' in [t] must be a string such as \"5s\", not a date or time"},
      {"user = ''", "key 'user' in [t] is empty; name a user, or remove the key"},
      {"user = 'nobody-here'", "user = \"nobody-here\": no such user"},
      {"user = 1.5", "key 'user' in [t] must be a string such as \"www-data\", not a fraction"},
      {"source = '/a/../b'",
       "key 'source' in [t] has the value \"/a/../b\": the path must not contain '..'"},
      {"source = \"/a\\u0000\"", "key 'source' in [t] must not contain a NUL character"},
      {"symlinks = 'folow'",
       "key 'symlinks' in [t] must be one of \"follow\", \"preserve\", \"follow-external\", not "
       "\"folow\"; did you mean \"follow\"?"},
      {"sync_on = true", "key 'sync_on' in [t] must be a string such as \"close\", not a boolean"},
      {"delete = 'yes'",
       "key 'delete' in [t] must be true, false, \"startup\" or \"running\", not \"yes\""},
      {"delete = 1",
       "key 'delete' in [t] must be true, false, \"startup\" or \"running\", not an integer"},
      {"delete_excluded = 'x'", "key 'delete_excluded' in [t] must be true or false, not a string"},
      {"rescan = '1ms'",
       "key 'rescan' in [t] must be \"off\" or between \"1s\" and \"365d\", not \"1ms\""},
      {"rescan = '0s'",
       "key 'rescan' in [t] must be \"off\" or between \"1s\" and \"365d\", not \"0s\""},
      {"max_delete = '200%'",
       "key 'max_delete' in [t] must be a share such as \"50%\", a number of entries, or \"off\", "
       "not \"200%\""},
      {"max_delete = '10'",
       "key 'max_delete' in [t] must be a share such as \"50%\", a number of entries, or \"off\", "
       "not \"10\"; write the number without quotes"},
      {"max_delete = 0.5",
       "key 'max_delete' in [t] must be a share such as \"50%\", a number of entries, or \"off\", "
       "not a fraction"},
      {"max_delete = -1",
       "key 'max_delete' in [t] must be between 0 and 9223372036854775807, not -1"},
      {"follow_into = ['a']",
       "key 'follow_into' in [t] has the value \"a\": the path must be absolute, that is, begin "
       "with '/'"},
      {"exclude = '*.tmp'", "key 'exclude' in [t] must be a list of strings, not a string"},
      {"exclude = ['']", "key 'exclude' in [t] must not hold \"\": it needs a pattern"},
      {"exclude = ['a', 1]", "key 'exclude' in [t] must hold strings only, not an integer"},
      {"exclude_from = 'x'", "key 'exclude_from' in [t] must be an absolute path, not \"x\""},
      {"exclude_from = '/nowhere'",
       "key 'exclude_from' in [t] names '/nowhere', which cannot be read: No such file or "
       "directory"},
      {"exclude_from = '/etc/mirrord/clear'",
       "key 'exclude_from' in [t] names '/etc/mirrord/clear', where \"!\" drops the rules before "
       "it; "
       "leave those out instead"},
      {"filter = ['merge /x']",
       "key 'filter' in [t] must not hold \"merge /x\": it reads another file; put its rules here, "
       "or "
       "name it in 'exclude_from'"},
      {"filter = ['- ']", "key 'filter' in [t] must not hold \"- \": it needs a pattern"},
      {"retry.initial = '1ms'",
       "key 'initial' in [t.retry] must be between \"100ms\" and \"1h\", not \"1ms\""},
      {"hooks.after_sync = ['true']",
       "key 'after_sync' in [t.hooks] must begin with the absolute path of a program"},
      {"hooks.after_sync = []",
       "key 'after_sync' in [t.hooks] must begin with the absolute path of a program"},
      {"retry = 1", "key 'retry' in [t] must be a table, not an integer"},
  };
  expect_messages(group_schema(), cases);
}

TEST(GroupSchema, ReportsEachElementOfAList) {
  EXPECT_EQ(read("follow_into = ['a', 'b', '/c']", group_schema()).messages.size(), 2u);
}

TEST(DefaultsSchema, RefusesWhatOnlyAGroupMayHave) {
  expect_messages(
      defaults_schema(),
      {{"source = '/x'", "key 'source' in [t] is not allowed there; set it in each [groups.NAME]"},
       {"targets = []",
        "key 'targets' in [t] is not allowed there; set it in each [groups.NAME]"}});
}

TEST(DefaultsSchema, KnowsEveryKeyOfAGroup) {
  EXPECT_EQ(names_of(defaults_schema()), names_of(group_schema()));
}

TEST(DaemonSchema, ChecksRanges) {
  EXPECT_EQ(read("max_transfers = 1000", daemon_schema()).settings.max_transfers, 1000u);
  EXPECT_EQ(read("max_standby = 0", daemon_schema()).settings.max_standby, 0u);
  expect_messages(
      daemon_schema(),
      {{"max_transfers = 1001", "key 'max_transfers' in [t] must be between 1 and 1000, not 1001"},
       {"max_transfers = '8'",
        "key 'max_transfers' in [t] must be an integer from 1 to 1000, not a string"},
       {"max_standby = -1", "key 'max_standby' in [t] must be between 0 and 1000, not -1"}});
}

TEST(DaemonSchema, GuessesALevelFromItsBeginning) {
  const std::pair<const char*, const char*> cases[] = {
      {"warn", "; did you mean \"warning\"?"},
      {"error", "; did you mean \"err\"?"},
      {"emergency", "; did you mean \"emerg\"?"},
      {"critical", "; did you mean \"crit\"?"},
      {"e", "not \"e\""},
  };
  for (const auto& [word, end] : cases) {
    const auto messages = read("log_level = '" + std::string(word) + "'", daemon_schema()).messages;
    ASSERT_EQ(messages.size(), 1u) << word;
    EXPECT_TRUE(messages[0].ends_with(end)) << messages[0];
  }
}

TEST(RsyncSchema, PutsValuesWhereTheyBelong) {
  const auto rsync = read(R"(
program = "/opt/rsync"
remote_program = "sudo rsync"
compress = false
bandwidth_limit = "512k"
timeout = "0"
acls = true
xattrs = true
hard_links = true
numeric_ids = true
chmod = "D755"
chown = "a:b"
checksum = true
inplace = true
sparse = true
partial_dir = ".p"
password_file = "/p"
options = ["--fuzzy", "-W"]
)",
                          rsync_schema())
                         .settings;
  const RsyncSettings wanted{"/opt/rsync",
                             "sudo rsync",
                             false,
                             524288,
                             0s,
                             true,
                             true,
                             true,
                             true,
                             "D755",
                             "a:b",
                             true,
                             true,
                             true,
                             ".p",
                             "/p",
                             {"--fuzzy", "-W"}};
  EXPECT_EQ(rsync, wanted);
}

TEST(RsyncSchema, TakesAnyCommandAsTheRemoteProgram) {
  for (const std::string command : {"rsync", "/opt/rsync", "bin/rsync", "sudo /usr/bin/rsync",
                                    "/usr/bin/env /usr/bin/rsync", "mkdir -p /srv/www && rsync"}) {
    const auto result = read("remote_program = '" + command + "'", rsync_schema());
    EXPECT_EQ(result.settings.remote_program, command);
    EXPECT_EQ(result.messages, Texts{});
  }
}

TEST(RsyncSchema, SaysWhatIsWrong) {
  const Wrong cases[] = {
      {"remote_program = ''",
       "key 'remote_program' in [t] must be a command for the target's shell, not \"\""},
      {"remote_program = '-rsync'",
       "key 'remote_program' in [t] must be a command for the target's shell, not \"-rsync\""},
      {"remote_program = \"rsync\\nid\"",
       "key 'remote_program' in [t] must be a command for the target's shell, not \"rsync\nid\""},
      {"program = ''", "key 'program' in [t] must be a program's name or absolute path, not \"\""},
      {"program = 'bin/rsync'",
       "key 'program' in [t] must be a program's name or absolute path, not \"bin/rsync\""},
      {"bandwidth_limit = 100",
       "key 'bandwidth_limit' in [t] must be 0 (no limit) or at least 512 bytes a second, not 100"},
      {"bandwidth_limit = -1", "key 'bandwidth_limit' in [t] must not be negative, but is -1"},
      {"bandwidth_limit = 'fast'",
       "key 'bandwidth_limit' in [t] must be a size such as \"10M\" or a number of bytes, not "
       "\"fast\""},
      {"bandwidth_limit = true",
       "key 'bandwidth_limit' in [t] must be a size such as \"10M\" or a number of bytes, not a "
       "boolean"},
      {"timeout = '1500ms'",
       "key 'timeout' in [t] must be \"0\" or between \"1s\" and \"1d\" in whole seconds, not "
       "\"1500ms\""},
      {"timeout = '2d'",
       "key 'timeout' in [t] must be \"0\" or between \"1s\" and \"1d\" in whole seconds, not "
       "\"2d\""},
      {"options = ['--delete-after']",
       "key 'options' in [t] must not hold \"--delete-after\": use the key 'delete' instead"},
      {"options = ['/tmp']",
       "key 'options' in [t] must not hold \"/tmp\": an option begins with '-'; write its value in "
       "the same string"},
      {"password_file = 'x'", "key 'password_file' in [t] must be an absolute path, not \"x\""},
      {"partial_dir = 'a/b'",
       "key 'partial_dir' in [t] must be a directory's name such as \".rsync-partial\", or an "
       "absolute path, not \"a/b\""},
  };
  expect_messages(rsync_schema(), cases);
}

TEST(RsyncSchema, APartialDirectoryIsANameOrAbsolute) {
  for (const std::string name : {".", "..", "../x", "a/b", "a/", "a\\n"})
    EXPECT_EQ(read("partial_dir = \"" + name + "\"", rsync_schema()).messages.size(), 1u) << name;
  for (const std::string name : {"", ".p", "...", "a b", "/tmp/x"})
    EXPECT_EQ(read("partial_dir = '" + name + "'", rsync_schema()).settings.partial_dir, name);
}

TEST(RsyncSchema, TakesZeroInAnyFormAsNoTimeout) {
  for (const char* text : {"timeout = '0'", "timeout = '0s'"}) {
    EXPECT_EQ(read(text, rsync_schema()).settings.timeout, Duration::zero());
    EXPECT_EQ(read(text, rsync_schema()).messages, Texts{});
  }
}

TEST(SshSchema, PutsValuesWhereTheyBelong) {
  const auto ssh = read(R"(
program = "/opt/ssh"
port = 65535
identity_file = "/k"
known_hosts_file = "/h"
config_file = "/c"
connect_timeout = "10min"
strict_host_key_checking = "accept-new"
multiplex = false
options = { ServerAliveInterval = 5, ForwardAgent = false, ProxyJump = "a@b" }
)",
                        ssh_schema())
                       .settings;
  const SshSettings wanted{
      "/opt/ssh",
      uint16_t{65535},
      "/k",
      "/h",
      "/c",
      10min,
      "accept-new",
      false,
      {{"ServerAliveInterval", "5"}, {"ForwardAgent", "no"}, {"ProxyJump", "a@b"}}};
  EXPECT_EQ(ssh, wanted);
}

TEST(SshSchema, SaysWhatIsWrong) {
  const Wrong cases[] = {
      {"port = 65536", "key 'port' in [t] must be between 1 and 65535, not 65536"},
      {"identity_file = 'k'", "key 'identity_file' in [t] must be an absolute path, not \"k\""},
      {"identity_file = '/missing'",
       "key 'identity_file' in [t] names '/missing', which does not exist (yet)"},
      {"config_file = '/missing'",
       "key 'config_file' in [t] names '/missing', which does not exist (yet)"},
      {"connect_timeout = '0'",
       "key 'connect_timeout' in [t] must be between \"1s\" and \"10min\" in whole seconds, not "
       "\"0\""},
      {"strict_host_key_checking = 'ask'",
       "key 'strict_host_key_checking' in [t] must not be \"ask\", because nobody is there to "
       "answer"},
      {"strict_host_key_checking = 'off'",
       "key 'strict_host_key_checking' in [t] must be one of \"yes\", \"no\", \"accept-new\", not "
       "\"off\""},
      {"strict_host_key_checking = true",
       "key 'strict_host_key_checking' in [t] must be a string such as \"yes\", not a boolean"},
      {"options = { requesttty = 'force' }",
       "key 'requesttty' in [t.options] must not be \"force\": a terminal would change what rsync "
       "sends"},
      {"options = { Host = 'x' }",
       "key 'Host' in [t.options] must not be \"x\": it begins a section, which only a file can "
       "have; use the key 'config_file'"},
      {"options = []", "key 'options' in [t] must be a table, not an array"},
      {"options = { 'a b' = 1 }", "key 'a b' in [t.options] is not a word of ssh_config(5)"},
      {"options = { '1a' = 1 }", "key '1a' in [t.options] is not a word of ssh_config(5)"},
      {"options = { A = \"x\\ny\" }", "key 'A' in [t.options] must be one line of text"},
      {"options = { A = '' }", "key 'A' in [t.options] must be one line of text"},
      {"options = { A = 1.5 }",
       "key 'A' in [t.options] must be a string, an integer or a boolean, not a fraction"},
  };
  expect_messages(ssh_schema(), cases);
}

TEST(SshSchema, RefusesWordsThatBreakATransfer) {
  const std::pair<const char*, const char*> cases[] = {
      {"BatchMode", "no"},   {"ForkAfterAuthentication", "yes"},
      {"Match", "all"},      {"RemoteCommand", "id"},
      {"RequestTTY", "yes"}, {"SessionType", "none"},
      {"StdinNull", "yes"},  {"Host", "*"},
      {"host", "*"},
  };
  for (const auto& [word, value] : cases) {
    const std::string text = "options." + std::string(word) + " = '" + value + "'";
    EXPECT_EQ(read(text, ssh_schema()).messages.size(), 1u) << text;
  }
}

TEST(SshSchema, TakesSuchWordsWithTheValueThatTheyHaveAnyway) {
  const auto result = read(
      "options = { BatchMode = true, RequestTTY = false, RemoteCommand = 'none' }", ssh_schema());
  EXPECT_EQ(result.messages, Texts{});
  EXPECT_EQ(result.settings.options.size(), 3u);
}

}  // namespace
}  // namespace mirrord
