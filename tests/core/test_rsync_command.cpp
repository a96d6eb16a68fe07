#include <gtest/gtest.h>

#include <algorithm>

#include "core/rsync.hpp"
#include "core/transfers.hpp"

namespace mirrord {
namespace {

using namespace std::chrono_literals;

using test::counting;
using test::in_lane;
using test::versions;
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
      {Lane::full, {"--force", "-r", "--no-inc-recursive", "--delete"}},
      {Lane::tree,
       {"--force", "--files-from=-", "--from0", "--delete-missing-args", "-r", "--delete", "-I"}},
      {Lane::children,
       {"--force", "--files-from=-", "--from0", "--delete-missing-args", "--delete"}},
      {Lane::data,
       {"--force", "--files-from=-", "--from0", "--delete-missing-args", "--delete", "-I"}},
      {Lane::attributes,
       {"--force", "--files-from=-", "--from0", "--delete-missing-args", "--delete"}},
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
      EXPECT_EQ(has(argv, "--delete"), c.live) << mode;
      EXPECT_EQ(has(argv, "--delete-missing-args"), c.live) << mode;
      EXPECT_EQ(has(argv, "--ignore-missing-args"), !c.live) << mode;
    }
  }
}

TEST(RsyncCommand, EveryComparisonMayHaveALimitOfDeletions) {
  for (const Lane lane : {Lane::tree, Lane::children, Lane::data, Lane::attributes}) {
    Transfer transfer = in_lane(lane);
    transfer.max_delete = 0;
    const bool compares = lane == Lane::tree || lane == Lane::children;
    EXPECT_EQ(has(rsync_command(group(), target(), transfer), "--max-delete=0"), compares);
  }

  EXPECT_TRUE(has(rsync_command(group(), target(), counting()), "--max-delete=0"));
  Transfer limited = in_lane(Lane::full);
  limited.max_delete = 17;
  EXPECT_TRUE(has(rsync_command(group(), target(), limited), "--max-delete=17"));
  limited.max_delete = 3'000'000'000;
  EXPECT_TRUE(has(rsync_command(group(), target(), limited), "--max-delete=2147483647"));
  Group g = group();
  g.delete_mode = DeleteMode::never;
  EXPECT_FALSE(has(rsync_command(g, target(), counting()), "--max-delete=0"));
}

TEST(RsyncCommand, UsesWhatBothSidesKnow) {
  const struct {
    const char* option;
    Lane lane;
    RsyncVersion here;
    std::optional<RsyncVersion> there;
    bool used;
  } cases[] = {
      {"--delete-missing-args", Lane::data, {3, 1, 0}, RsyncVersion{3, 1, 0}, true},
      {"--delete-missing-args", Lane::data, {3, 0, 9}, RsyncVersion{3, 2, 7}, false},
      {"--delete-missing-args", Lane::data, {3, 2, 7}, RsyncVersion{3, 0, 9}, false},
      {"--delete-missing-args", Lane::data, {3, 2, 7}, std::nullopt, true},
      {"--ignore-missing-args", Lane::data, {3, 0, 9}, RsyncVersion{3, 2, 7}, false},
      {"--ignore-missing-args", Lane::data, {3, 2, 7}, RsyncVersion{3, 0, 9}, true},
      {"--modify-window=-1", Lane::full, {3, 1, 3}, RsyncVersion{3, 1, 3}, true},
      {"--modify-window=-1", Lane::full, {3, 1, 2}, RsyncVersion{3, 2, 7}, false},
      {"--modify-window=-1", Lane::full, {3, 2, 7}, RsyncVersion{3, 1, 2}, false},
      {"--modify-window=-1", Lane::full, {3, 2, 7}, std::nullopt, false},
      {"--modify-window=-1", Lane::children, {3, 1, 3}, RsyncVersion{3, 1, 3}, true},
      {"--modify-window=-1", Lane::children, {3, 1, 3}, RsyncVersion{3, 0, 9}, false},
      {"--modify-window=-1", Lane::data, {3, 1, 3}, RsyncVersion{3, 1, 3}, true},
      {"--mkpath", Lane::full, {3, 2, 3}, RsyncVersion{3, 2, 3}, true},
      {"--mkpath", Lane::full, {3, 2, 2}, RsyncVersion{3, 2, 3}, false},
      {"--mkpath", Lane::full, {3, 2, 3}, std::nullopt, false},
      {"--info=progress2", Lane::full, {3, 1, 0}, std::nullopt, true},
      {"--info=progress2", Lane::full, {3, 0, 9}, std::nullopt, false},
  };
  for (const auto& c : cases) {
    Transfer transfer = in_lane(c.lane);
    transfer.can = versions(c.here, c.there);
    EXPECT_EQ(has(rsync_command(group(), target(), transfer), c.option), c.used)
        << c.option << ' ' << c.here.major << '.' << c.here.minor << '.' << c.here.patch;
  }
  Transfer refused = in_lane(Lane::data);
  refused.can = {RsyncVersion{3, 4, 3}, RsyncVersion{3, 4, 3}, false, {Feature::missing_args}};
  EXPECT_FALSE(has(rsync_command(group(), target(), refused), "--delete-missing-args"));
}

TEST(RsyncCommand, ListsAllOfASourceFirstWhereThatTakesLittleMemory) {
  const struct {
    Lane lane;
    uint64_t entries;
    bool by_checksum, all_first;
  } cases[] = {
      {Lane::full, 0, false, true},        {Lane::full, 500'000, false, true},
      {Lane::full, 500'001, false, false}, {Lane::full, 10, true, false},
      {Lane::verify, 10, false, false},    {Lane::tree, 10, false, false},
  };
  for (const auto& c : cases) {
    Transfer transfer = in_lane(c.lane);
    transfer.entries = c.entries;
    transfer.by_checksum = c.by_checksum;
    EXPECT_EQ(has(rsync_command(group(), target(), transfer), "--no-inc-recursive"), c.all_first)
        << static_cast<int>(c.lane) << ' ' << c.entries;
  }
}

TEST(RsyncCommand, AVerificationChangesNothing) {
  Arguments argv = rsync_command(group(), target(), in_lane(Lane::verify));
  for (const char* option : {"-n", "-i", "-c", "--delete", "-r"})
    EXPECT_TRUE(has(argv, option)) << option;
  EXPECT_FALSE(has(argv, "--files-from=-"));
}

TEST(RsyncCommand, OnlyAFullComparisonReadsEveryFile) {
  for (Lane lane : {Lane::full, Lane::tree, Lane::children, Lane::data, Lane::attributes}) {
    Transfer transfer = in_lane(lane);
    EXPECT_FALSE(has(rsync_command(group(), target(), transfer), "-c"));
    transfer.by_checksum = true;
    transfer.can = versions({3, 2, 7}, RsyncVersion{3, 2, 7});
    Arguments argv = rsync_command(group(), target(), transfer);
    EXPECT_EQ(has(argv, "-c"), lane == Lane::full);
    EXPECT_TRUE(has(argv, "--modify-window=-1"));
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
      {"--partial-dir=.part", [](RsyncSettings& s) { s.partial_dir = ".part"; }},
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

TEST(RsyncCommand, RulesAreReadFromAFile) {
  using namespace std::string_literals;
  EXPECT_EQ(filter_rules(group(), in_lane(Lane::full, {"a/loop", "x*"}, {"secret"})),
            "H /a/loop\0H /x\\*\0- /secret\0"s);
  EXPECT_EQ(filter_rules(group(), in_lane(Lane::full)), "");
}

// exclude.c: "discarding over-long filter".
TEST(RsyncCommand, WhereARuleWouldBeTooLongItsDirectoryIsLeftOut) {
  const std::string wild(250, '*');
  std::string path = "top";
  for (int i = 0; i < 9; ++i) path += '/' + wild;
  const Transfer hidden = in_lane(Lane::full, {path}), unreadable = in_lane(Lane::full, {}, {path});
  for (const Transfer& transfer : {hidden, unreadable}) {
    const std::string rules = filter_rules(group(), transfer);
    EXPECT_TRUE(rules.starts_with("- /top/\\*")) << rules;
    EXPECT_EQ(std::ranges::count(rules, '*'), 250 * 7);
  }
  for (Lane lane : {Lane::full, Lane::tree}) {
    Transfer transfer = in_lane(lane);
    EXPECT_FALSE(has(rsync_command(group(), target(), transfer), "--filter=. /run/rules"));
    transfer.rules_file = "/run/rules";
    Arguments argv = rsync_command(group(), target(), transfer);
    EXPECT_TRUE(has(argv, "--filter=. /run/rules"));
    EXPECT_EQ(has(argv, "--from0"), 1) << "a name may hold a newline";
  }
}

TEST(RsyncCommand, TheRulesOfTheGroupGoIntoEveryRun) {
  using namespace std::string_literals;
  Group with_rules = group();
  with_rules.filter = {{FilterRule::Effect::include, false, "a\nb"},
                       {FilterRule::Effect::exclude, true, "*/"}};
  for (Lane lane : {Lane::full, Lane::verify, Lane::tree, Lane::children, Lane::data})
    EXPECT_EQ(filter_rules(with_rules, in_lane(lane, {"x"})), "H /x\0+ /./\0+ a\nb\0-! */\0"s);
}

TEST(RsyncCommand, WhatIsExcludedIsDeletedByComparisonsOnly) {
  using namespace std::string_literals;
  Group strict = group();
  strict.delete_excluded = true;
  EXPECT_TRUE(has(rsync_command(strict, target(), in_lane(Lane::full)), "--delete-excluded"));
  EXPECT_FALSE(has(rsync_command(strict, target(), in_lane(Lane::tree)), "--delete-excluded"));
  EXPECT_TRUE(has(rsync_command(strict, target(), in_lane(Lane::data)), "--delete-excluded"))
      << "of what a directory holds that makes way";
  EXPECT_EQ(filter_rules(strict, in_lane(Lane::full, {}, {"secret"})), "- /secret\0P /secret\0"s)
      << "but not what only cannot be read";
  strict.delete_mode = DeleteMode::never;
  EXPECT_FALSE(has(rsync_command(strict, target(), in_lane(Lane::full)), "--delete-excluded"));
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

TEST(RsyncCommand, NamesAModule) {
  Target to = target();
  to.destination = {Destination::Kind::rsync_daemon, "", "web1", {}, "www", "a/b", ""};
  EXPECT_EQ(rsync_command(group(), to, {}).back(), "rsync://web1/www/a/b/");
  EXPECT_FALSE(has(rsync_command(group(), to, {}), "-e"));
  to.destination = {Destination::Kind::rsync_daemon, "me", "::1", 8873, "www", "", ""};
  to.rsync.password_file = "/etc/secret";
  EXPECT_EQ(rsync_command(group(), to, {}).back(), "rsync://me@[::1]:8873/www/");
  EXPECT_TRUE(has(rsync_command(group(), to, {}), "--password-file=/etc/secret"));
}

TEST(RsyncCommand, ProtectsARemotePathFromTheShell) {
  auto argv = [](const char* path, RsyncVersion here) {
    Transfer transfer;
    transfer.can.here = here;
    return rsync_command(group(), remote("", "h", path), transfer);
  };
  for (const char* path :
       {"/a b", "/a$b", "/a*", "/a'b", "/a;b", "/a\\b", "/a(b", "/~b", "/a\nb"}) {
    EXPECT_TRUE(has(argv(path, {3, 2, 3}), "-s")) << path;
    EXPECT_FALSE(has(argv(path, {3, 2, 4}), "-s")) << path << ": it escapes by itself";
  }
  for (const char* path : {"/srv/www", "/a-b_c.d,e+f@g:h=i", "/caf\xc3\xa9"})
    EXPECT_FALSE(has(argv(path, {3, 0, 9}), "-s")) << path;
}

TEST(RsyncCommand, TheSourceEndsWithOneSlash) {
  Group g = group();
  for (const char* source : {"/", "/srv/"}) {
    g.source = source;
    Arguments argv = rsync_command(g, target(), {});
    EXPECT_EQ(argv[argv.size() - 2], source);
  }
}

TEST(RsyncCommand, EachKindOfChangeHasItsLane) {
  EXPECT_EQ(lane_of(ChangeKind::attributes), Lane::attributes);
  EXPECT_EQ(lane_of(ChangeKind::data), Lane::data);
  EXPECT_EQ(lane_of(ChangeKind::children), Lane::children);
  EXPECT_EQ(lane_of(ChangeKind::tree), Lane::tree);
}

TEST(RsyncCommand, AnExactPatternEscapesOnlyWhereRsyncUnescapes) {
  // rsync(1): "a backslash can be used to escape a wildcard character, but it is understood
  // literally when no wildcards are present". Checked with the real one in tests/io.
  const std::pair<const char*, const char*> cases[] = {
      {"plain", "/plain"}, {"a/b c", "/a/b c"}, {"a*b", "/a\\*b"}, {"a?b", "/a\\?b"},
      {"a[b", "/a\\[b"},   {"a]b", "/a]b"},     {"a\\b", "/a\\b"}, {"a\\*b", "/a\\\\\\*b"},
      {"a\nb", "/a\nb"},   {"-a", "/-a"},       {"\xff", "/\xff"}, {"**", "/\\*\\*"},
  };
  for (const auto& [path, pattern] : cases) EXPECT_EQ(exact_pattern(path), pattern) << path;
}

}  // namespace
}  // namespace mirrord
