#include "core/ssh.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace mirrord {
namespace {

using namespace std::chrono_literals;

using Arguments = std::vector<std::string>;

TEST(SshCommand, IsNeverInteractive) {
  EXPECT_EQ(ssh_command({}), (Arguments{"ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10",
                                        "-o", "ServerAliveInterval=15", "-o",
                                        "ServerAliveCountMax=3", "-o", "ClearAllForwardings=yes",
                                        "-o", "StrictHostKeyChecking=yes", "-T", "-x", "-a"}));
}

TEST(SshCommand, CarriesTheSettings) {
  SshSettings ssh;
  ssh.program = "/opt/ssh";
  ssh.port = 2222;
  ssh.identity_file = "/home/web mgr/key";
  ssh.known_hosts_file = "/etc/known";
  ssh.config_file = "/etc/conf";
  ssh.connect_timeout = 3s;
  ssh.strict_host_key_checking = "accept-new";
  ssh.options = {{"Compression", "no"}, {"ServerAliveInterval", "5"}};
  EXPECT_EQ(ssh_command(ssh), (Arguments{"/opt/ssh",
                                         "-F",
                                         "/etc/conf",
                                         "-o",
                                         "Compression=no",
                                         "-o",
                                         "ServerAliveInterval=5",
                                         "-o",
                                         "BatchMode=yes",
                                         "-o",
                                         "ConnectTimeout=3",
                                         "-o",
                                         "ServerAliveInterval=15",
                                         "-o",
                                         "ServerAliveCountMax=3",
                                         "-o",
                                         "ClearAllForwardings=yes",
                                         "-o",
                                         "StrictHostKeyChecking=accept-new",
                                         "-o",
                                         "UserKnownHostsFile=/etc/known",
                                         "-o",
                                         "IdentitiesOnly=yes",
                                         "-i",
                                         "/home/web mgr/key",
                                         "-p",
                                         "2222",
                                         "-T",
                                         "-x",
                                         "-a"}))
      << "of a word given twice, ssh takes the first: the user's";
}

// ssh_config(5): "Arguments may optionally be enclosed in double quotes".
TEST(SshCommand, AFileOfHostKeysIsOneWord) {
  for (const auto* path : {"/my keys/known", "/a=b/known", "/a#b", "/it's"}) {
    SshSettings ssh;
    ssh.known_hosts_file = path;
    const Arguments argv = ssh_command(ssh);
    EXPECT_TRUE(std::ranges::count(argv, "UserKnownHostsFile=\"" + std::string(path) + '"'))
        << path;
  }
}

bool begins(const Arguments& argv, const Arguments& with) {
  return std::ranges::equal(Arguments(argv.begin(), argv.begin() + std::ssize(with)), with);
}

TEST(SshCommand, AClientUsesTheMasterThatItIsTold) {
  EXPECT_TRUE(begins(ssh_command({}, "/run/m1"), {"ssh", "-o", "ControlMaster=no", "-o",
                                                  "ControlPath=/run/m1", "-o", "BatchMode=yes"}))
      << "before anything that the user's options say";
  EXPECT_TRUE(begins(ssh_command({}, kNoMaster),
                     {"ssh", "-o", "ControlMaster=no", "-o", "ControlPath=none"}));
}

TEST(SshCommand, AMasterRunsNoCommand) {
  Destination to{Destination::Kind::ssh, "webmgr", "web1", {}, "", "/srv", ""};
  Arguments argv = ssh_master_command({}, to, "/run/m1");
  EXPECT_TRUE(begins(argv, {"ssh", "-o", "ControlMaster=yes", "-o", "ControlPath=/run/m1", "-o",
                            "ControlPersist=no"}));
  Arguments end(argv.end() - 5, argv.end());
  EXPECT_EQ(end, (Arguments{"-N", "-l", "webmgr", "--", "web1"}));
}

TEST(SshCommand, ACommandFollowsTheHost) {
  Destination to{Destination::Kind::ssh, "", "::1", {}, "", "/srv", ""};
  Arguments argv = ssh_remote_command({}, to, "", "mkdir -p -- " + quote("/a b's"));
  Arguments end(argv.end() - 3, argv.end());
  EXPECT_EQ(end, (Arguments{"--", "::1", "mkdir -p -- '/a b'\\''s'"}));
}

TEST(SshCommand, EqualSettingsShareAConnection) {
  Destination a{Destination::Kind::ssh, "webmgr", "web1", {}, "", "/srv", ""};
  Destination b = a;
  b.path = "/other";
  EXPECT_EQ(connection_key("u", {}, a), connection_key("u", {}, b));
  EXPECT_NE(connection_key("u", {}, a), connection_key("v", {}, a));
  SshSettings other;
  other.port = 2222;
  EXPECT_NE(connection_key("u", {}, a), connection_key("u", other, a));
  b.login = "root";
  EXPECT_NE(connection_key("u", {}, a), connection_key("u", {}, b));
}

/// rsync's main.c, do_cmd(): split at spaces; '…' and "…" group, a doubled quote stands for one.
Arguments split_as_rsync(const std::string& text) {
  Arguments argv;
  size_t f = 0;
  while (f < text.size()) {
    if (text[f] == ' ') {
      ++f;
      continue;
    }
    std::string argument;
    char quote = '\0';
    while (f < text.size() && (text[f] != ' ' || quote != '\0')) {
      if (quote == '\0' && (text[f] == '\'' || text[f] == '"')) {
        quote = text[f++];
        continue;
      }
      if (quote != '\0' && text[f] == quote && (++f == text.size() || text[f] != quote)) {
        quote = '\0';
        continue;
      }
      argument += text[f++];
    }
    EXPECT_EQ(quote, '\0') << "Missing trailing quote in remote-shell command";
    argv.push_back(argument);
  }
  return argv;
}

TEST(RshOption, ComesApartAsItWasPutTogether) {
  const Arguments cases[] = {
      {"ssh"},
      {"ssh", "-o", "BatchMode=yes"},
      {"ssh", "-i", "/home/web mgr/key"},
      {"ssh", "-o", "ProxyCommand=sh -c 'nc %h %p'"},
      {"ssh", "-o", "X=say \"hi\" twice \"\""},
      {"ssh", "\""},
      {"ssh", "'"},
      {"ssh", "\"\"\"", "'\"'"},
      {"ssh", "", "-T"},
      {"ssh", " ", "-T"},
      {"ssh", "a\\b", "tab\there", "$HOME;`x`"},
      {"ssh", "ends with quote\""},
  };
  for (const Arguments& argv : cases) EXPECT_EQ(split_as_rsync(rsh_option(argv)), argv);
}

TEST(RshOption, LeavesPlainWordsPlain) {
  EXPECT_EQ(rsh_option({"ssh", "-o", "BatchMode=yes", "-T"}), "ssh -o BatchMode=yes -T");
}

}  // namespace
}  // namespace mirrord
