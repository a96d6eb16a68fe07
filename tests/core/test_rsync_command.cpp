#include <gtest/gtest.h>

#include <algorithm>

#include "core/rsync.hpp"
#include "core/transfers.hpp"

namespace mirrord {
namespace {

using namespace std::chrono_literals;

using test::in_lane;
using test::without_deletions;
using Arguments = std::vector<std::string>;

/// A plain group; compression and time-out off, so that lists stay short.
Group group() {
  Group group;
  group.name = "web";
  group.source = "/srv/www";
  return group;
}

Target target() {
  Target target;
  target.name = "copy";
  target.destination.path = "/backup";
  target.rsync.compress = false;
  target.rsync.timeout = 0s;
  return target;
}

Target remote(const std::string& login, const std::string& host, const std::string& path) {
  Target to = target();
  to.destination = {Destination::Kind::ssh, login, host, {}, "", path, ""};
  return to;
}

bool has(const Arguments& argv, const std::string& word) { return std::ranges::count(argv, word); }

TEST(RsyncCommand, EachLaneHasItsOptions) {
  const struct {
    Lane lane;
    Arguments options;
  } cases[] = {
      {Lane::full, {"--force", "-r", "--delete"}},
      {Lane::tree,
       {"--force", "--files-from=-", "--from0", "--delete-missing-args", "-r", "--delete", "-I"}},
      {Lane::children,
       {"--force", "--files-from=-", "--from0", "--delete-missing-args", "--delete"}},
      {Lane::data, {"--force", "--files-from=-", "--from0", "--delete-missing-args", "-I"}},
      {Lane::attributes, {"--force", "--files-from=-", "--from0", "--delete-missing-args"}},
  };
  for (const auto& c : cases) {
    Arguments wanted{"rsync", "-lptgoD", "--stats", "--no-h", "-L"};
    wanted.insert(wanted.end(), c.options.begin(), c.options.end());
    for (const char* last : {"--", "/srv/www/", "/backup/"}) wanted.push_back(last);
    EXPECT_EQ(rsync_command(group(), target(), in_lane(c.lane)), wanted)
        << static_cast<int>(c.lane);
  }
}

TEST(RsyncCommand, DeletesByTheFourModes) {
  const struct {
    DeleteMode mode;
    bool full, live;
  } cases[] = {
      {DeleteMode::always, true, true},
      {DeleteMode::never, false, false},
      {DeleteMode::startup, true, false},
      {DeleteMode::running, false, true},
  };
  for (const auto& c : cases) {
    Group g = group();
    g.delete_mode = c.mode;
    int mode = static_cast<int>(c.mode);
    EXPECT_EQ(has(rsync_command(g, target(), in_lane(Lane::full)), "--delete"), c.full) << mode;
    for (Lane lane : {Lane::tree, Lane::children, Lane::data, Lane::attributes}) {
      Arguments argv = rsync_command(g, target(), in_lane(lane));
      bool whole = lane == Lane::tree || lane == Lane::children;
      EXPECT_EQ(has(argv, "--delete"), c.live && whole) << mode;
      EXPECT_EQ(has(argv, "--delete-missing-args"), c.live) << mode;
      EXPECT_EQ(has(argv, "--ignore-missing-args"), !c.live) << mode;
    }
  }
}

TEST(RsyncCommand, ARunThatMayNotDeleteDeletesNothing) {
  for (Lane lane : {Lane::full, Lane::tree, Lane::children, Lane::data, Lane::attributes}) {
    Arguments argv = rsync_command(group(), target(), without_deletions(lane));
    for (const char* option : {"--force", "--delete", "--delete-missing-args"})
      EXPECT_FALSE(has(argv, option)) << option;
    EXPECT_EQ(has(argv, "--ignore-missing-args"), lane != Lane::full);
  }
}

TEST(RsyncCommand, OnlyAFullComparisonReadsEveryFile) {
  for (Lane lane : {Lane::full, Lane::tree, Lane::children, Lane::data, Lane::attributes}) {
    Transfer transfer = in_lane(lane);
    EXPECT_FALSE(has(rsync_command(group(), target(), transfer), "-c"));
    transfer.by_checksum = true;
    EXPECT_EQ(has(rsync_command(group(), target(), transfer), "-c"), lane == Lane::full);
  }
}

TEST(RsyncCommand, SymlinksDecideHowLinksAreSent) {
  const struct {
    Symlinks symlinks;
    bool follow, unsafe;
  } cases[] = {{Symlinks::follow, true, false},
               {Symlinks::preserve, false, false},
               {Symlinks::follow_external, false, true}};
  for (const auto& c : cases) {
    Group g = group();
    g.symlinks = c.symlinks;
    Arguments argv = rsync_command(g, target(), {});
    EXPECT_EQ(has(argv, "-L"), c.follow);
    EXPECT_EQ(has(argv, "--copy-unsafe-links"), c.unsafe);
    EXPECT_TRUE(has(argv, "-lptgoD"));
  }
}

TEST(RsyncCommand, EachSettingHasItsOption) {
  const struct {
    const char* option;
    void (*set)(RsyncSettings&);
  } cases[] = {
      {"-z", [](RsyncSettings& s) { s.compress = true; }},
      {"-A", [](RsyncSettings& s) { s.acls = true; }},
      {"-X", [](RsyncSettings& s) { s.xattrs = true; }},
      {"-H", [](RsyncSettings& s) { s.hard_links = true; }},
      {"--numeric-ids", [](RsyncSettings& s) { s.numeric_ids = true; }},
      {"-c", [](RsyncSettings& s) { s.checksum = true; }},
      {"--inplace", [](RsyncSettings& s) { s.inplace = true; }},
      {"-S", [](RsyncSettings& s) { s.sparse = true; }},
      {"--chmod=D755,F644", [](RsyncSettings& s) { s.chmod = "D755,F644"; }},
      {"--chown=web:web", [](RsyncSettings& s) { s.chown = "web:web"; }},
      {"--rsync-path=/opt/rsync", [](RsyncSettings& s) { s.remote_program = "/opt/rsync"; }},
      {"--bwlimit=2", [](RsyncSettings& s) { s.bandwidth_limit = 2048; }},
      {"--bwlimit=1", [](RsyncSettings& s) { s.bandwidth_limit = 1; }},
      {"--timeout=60", [](RsyncSettings& s) { s.timeout = 60s; }},
      {"--timeout=90", [](RsyncSettings& s) { s.timeout = 1min + 30s; }},
      {"--iconv=.",
       [](RsyncSettings& s) {
         s.options = {"--fuzzy", "--iconv=."};
       }},
  };
  Arguments plain = rsync_command(group(), target(), {});
  for (const auto& c : cases) {
    Target to = target();
    c.set(to.rsync);
    EXPECT_FALSE(has(plain, c.option)) << c.option;
    EXPECT_TRUE(has(rsync_command(group(), to, {}), c.option)) << c.option;
  }
  Target to = target();
  to.rsync.program = "/opt/rsync";
  EXPECT_EQ(rsync_command(group(), to, {}).front(), "/opt/rsync");
}

TEST(RsyncCommand, HidesWhatIsNotMirroredAndPassesOverTheUnreadable) {
  Arguments argv =
      rsync_command(group(), target(), in_lane(Lane::full, {"a/loop", "x*"}, {"secret"}));
  EXPECT_TRUE(has(argv, "--filter=H /a/loop"));
  EXPECT_TRUE(has(argv, "--filter=H /x\\*"));
  EXPECT_TRUE(has(argv, "--filter=- /secret"));
}

TEST(RsyncCommand, NamesTheRemotePlace) {
  const struct {
    const char *login, *host, *path, *argument;
  } cases[] = {
      {"", "web1", "/srv", "web1:/srv/"},
      {"webmgr", "web1", "/srv/", "webmgr@web1:/srv/"},
      {"webmgr", "2001:db8::1", "/srv", "webmgr@[2001:db8::1]:/srv/"},
      {"", "::1", "/", "[::1]:/"},
  };
  for (const auto& c : cases) {
    Arguments argv = rsync_command(group(), remote(c.login, c.host, c.path), {});
    EXPECT_EQ(argv.back(), c.argument);
    EXPECT_TRUE(has(argv, "-e"));
    EXPECT_FALSE(has(argv, "-s")) << "rrsync refuses it where it is not needed";
  }
  EXPECT_FALSE(has(rsync_command(group(), target(), {}), "-e"));
}

TEST(RsyncCommand, ProtectsARemotePathFromTheShell) {
  for (const char* path : {"/a b", "/a$b", "/a*", "/a'b", "/a;b", "/a\\b", "/a(b", "/~b", "/a\nb"})
    EXPECT_TRUE(has(rsync_command(group(), remote("", "h", path), {}), "-s")) << path;
  for (const char* path : {"/srv/www", "/a-b_c.d,e+f@g:h=i", "/caf\xc3\xa9"})
    EXPECT_FALSE(has(rsync_command(group(), remote("", "h", path), {}), "-s")) << path;
}

TEST(RsyncCommand, TheSourceEndsWithOneSlash) {
  Group g = group();
  for (const char* source : {"/", "/srv/"}) {
    g.source = source;
    Arguments argv = rsync_command(g, target(), {});
    EXPECT_EQ(argv[argv.size() - 2], source);
  }
}

TEST(SshCommand, IsNeverInteractive) {
  EXPECT_EQ(ssh_command({}),
            (Arguments{"ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o",
                       "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3", "-o",
                       "StrictHostKeyChecking=yes", "-T", "-x", "-a"}));
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
