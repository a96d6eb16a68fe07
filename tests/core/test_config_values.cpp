#include "core/config_values.hpp"

#include "core/config.hpp"

#include <gtest/gtest.h>

namespace mirrord {
namespace {

using namespace std::chrono_literals;

TEST(ParseDuration, ReadsEveryUnit) {
  const std::pair<const char*, Duration> cases[] = {
      {"0", 0s},
      {"0s", 0s},
      {"500us", 500us},
      {"100ms", 100ms},
      {"5s", 5s},
      {"2min", 2min},
      {"1h", 1h},
      {"1d", 24h},
      {"1min30s", 90s},
      {"1min 30s", 90s},
      {"1h  5min 1ms", 1h + 5min + 1ms},
      {"007s", 7s},
      {"9223372036854775807us", Duration::max()},
  };
  for (const auto& [text, duration] : cases) EXPECT_EQ(parse_duration(text), duration) << text;
}

TEST(ParseDuration, RefusesWhatIsNoDuration) {
  for (const char* text : {"",
                           " ",
                           "5",
                           "s",
                           "-5s",
                           "+5s",
                           "1.5s",
                           "5 s",
                           " 5s",
                           "5s ",
                           "5S",
                           "5x",
                           "1min 30",
                           "1min,30s",
                           "5sec",
                           "0x5s",
                           "9223372036854775808us",
                           "106751992d",
                           "99999999999999999999999s",
                           "106751991d 106751991d"})
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
}

TEST(FormatDuration, IsReadBackAsTheSame) {
  const std::pair<const char*, Duration> cases[] = {
      {"0s", 0s}, {"100ms", 100ms}, {"1min 30s", 90s}, {"1d 1h", 25h}, {"1us", 1us}, {"1h", 3600s},
  };
  for (const auto& [text, duration] : cases) {
    EXPECT_EQ(format_duration(duration), text);
    EXPECT_EQ(parse_duration(text), duration);
  }
}

TEST(ParseSize, CountsInPowersOf1024) {
  const std::pair<const char*, uint64_t> cases[] = {
      {"0", 0},
      {"4096", 4096},
      {"512k", 524288},
      {"512K", 524288},
      {"10M", 10485760},
      {"1G", 1073741824},
      {"2T", 2199023255552},
      {"18446744073709551615", UINT64_MAX},
      {"16777215T", 16777215ULL << 40},
  };
  for (const auto& [text, size] : cases) EXPECT_EQ(parse_size(text), size) << text;
}

TEST(ParseSize, RefusesWhatIsNoSize) {
  for (const char* text : {"", "M", "-1", "+1", "1.5M", "10 M", "10MB", "10X", " 10",
                           "18446744073709551616", "16777216T"})
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
}

TEST(ParsePercent, TakesSharesUpToTheWhole) {
  EXPECT_EQ(parse_percent("0%"), 0.0);
  EXPECT_EQ(parse_percent("2.5%"), 2.5);
  EXPECT_EQ(parse_percent("100%"), 100.0);
  for (const char* text : {"", "%", "50", "-1%", "101%", "50 %", "nan%", "inf%", "1e1%", "50%%"})
    EXPECT_EQ(parse_percent(text), std::nullopt) << text;
}

TEST(NormalisePath, DropsWhatChangesNothing) {
  const std::pair<const char*, const char*> cases[] = {
      {"/", "/"},       {"//", "/"},           {"/./", "/"},         {"/a", "/a"},
      {"/a/", "/a"},    {"//a///b//", "/a/b"}, {"/a/./b/.", "/a/b"}, {"/a b/ c", "/a b/ c"},
      {"/...", "/..."}, {"/a/..b", "/a/..b"},  {"/.a", "/.a"},
  };
  std::string reason;
  for (const auto& [text, path] : cases) EXPECT_EQ(normalise_path(text, reason), path) << text;
}

TEST(NormalisePath, RefusesRelativeAndClimbingPaths) {
  for (const char* text : {"", "a", "./a", "~/a", "/..", "/a/../b", "/a/.."}) {
    std::string reason;
    EXPECT_EQ(normalise_path(text, reason), std::nullopt) << text;
    EXPECT_NE(reason, "") << text;
  }
}

struct Understood {
  const char* text;
  Destination::Kind kind;
  const char* login;
  const char* host;
  std::optional<uint16_t> port;
  const char* module;
  const char* path;
};

TEST(ParseDestination, UnderstandsEveryForm) {
  using Kind = Destination::Kind;
  const Understood cases[] = {
      {"web1:/srv/www", Kind::ssh, "", "web1", {}, "", "/srv/www"},
      {"me@web1:/srv/www/", Kind::ssh, "me", "web1", {}, "", "/srv/www"},
      {"me@corp@web1:/a//./b", Kind::ssh, "me@corp", "web1", {}, "", "/a/b"},
      {"me@[fe80::1%eth0]:/srv", Kind::ssh, "me", "fe80::1%eth0", {}, "", "/srv"},
      {"[::1]:/srv", Kind::ssh, "", "::1", {}, "", "/srv"},
      {"web1:/with space/a:b@c", Kind::ssh, "", "web1", {}, "", "/with space/a:b@c"},
      {"web1::www/a", Kind::rsync_daemon, "", "web1", {}, "www", "a"},
      {"me@web1::www", Kind::rsync_daemon, "me", "web1", {}, "www", ""},
      {"[::1]::www/a/", Kind::rsync_daemon, "", "::1", {}, "www", "a"},
      {"rsync://web1/www/a", Kind::rsync_daemon, "", "web1", {}, "www", "a"},
      {"rsync://me@[::1]:8730/www/a/b", Kind::rsync_daemon, "me", "::1", uint16_t{8730}, "www",
       "a/b"},
      {"/backup/www/", Kind::local, "", "", {}, "", "/backup/www"},
      {"/backup/a:b", Kind::local, "", "", {}, "", "/backup/a:b"},
      {"/backup/ünï", Kind::local, "", "", {}, "", "/backup/ünï"},
  };
  for (const Understood& is : cases) {
    std::string reason;
    const Destination wanted{is.kind, is.login, is.host, is.port, is.module, is.path, is.text};
    EXPECT_EQ(parse_destination(is.text, reason), wanted) << is.text << ": " << reason;
  }
}

TEST(ParseDestination, SaysWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "empty"},
      {"www", "neither HOST:/PATH nor an absolute path"},
      {"srv/www", "neither HOST:/PATH"},
      {"./a:b", "neither HOST:/PATH"},
      {"web1:", "path is missing"},
      {"web1:www", "must be absolute"},
      {"web1:~/www", "must be absolute"},
      {"web1:/", "refusing to mirror onto '/'"},
      {"web1://", "looks like a URL"},
      {"ssh://web1/www", "looks like a URL"},
      {"/", "refusing to mirror onto '/'"},
      {"/./", "refusing to mirror onto '/'"},
      {"web1:/a/../b", "'..'"},
      {":/www", "host is empty"},
      {"@web1:/www", "login is empty"},
      {"me@:/www", "host is empty"},
      {"[]:/www", "host is empty"},
      {"[::1:/www", "']'"},
      {"[::1]/www:", "must follow the host"},
      {"[::1]", "path is missing"},
      {"-oProxyCommand=x:/www", "begins with '-'"},
      {"me@-web1:/www", "begins with '-'"},
      {"-me@web1:/www", "begins with '-'"},
      {"web 1:/www", "white space in the host"},
      {"m e@web1:/www", "white space in the login"},
      {"web1:/a\nb", "control characters"},
      {"web1:/a\u0085b", "control characters"},
      {"web1::", "module is missing"},
      {"web1::/a", "module is missing"},
      {"fe80::1:/srv", "brackets"},
      {"web1::www/../etc", "'..'"},
      {"rsync://", "host is empty"},
      {"rsync://web1", "module is missing"},
      {"rsync://web1/", "module is missing"},
      {"rsync://web1:0/www", "port"},
      {"rsync://web1:65536/www", "port"},
      {"rsync://web1:/www", "port"},
      {"rsync://web1:87x/www", "must follow the host"},
      {"rsync://me:secret@web1/www", "password_file"},
      {"rsync://me:sec@ret@[::1]:873/www", "password_file"},
  };
  for (const auto& [text, wanted] : cases) {
    std::string reason;
    EXPECT_EQ(parse_destination(text, reason), std::nullopt) << text;
    EXPECT_NE(reason.find(wanted), std::string::npos) << text << ": " << reason;
  }
}

TEST(ParseDestination, RefusesANulCharacter) {
  std::string reason;
  EXPECT_EQ(parse_destination(std::string("web1:/a\0b", 9), reason), std::nullopt);
}

TEST(HasControlCharacters, KnowsThoseOfUtf8) {
  for (const char* text : {"a\x01", "\x1f", "a\x7f", "\u0080", "\u00e9\u0085", "\u009f"})
    EXPECT_TRUE(has_control_characters(text)) << text;
  for (const char* text : {"", "a b", "\u00a0", "\u00c2\u00a0", "\u4e80", "\u00e9"})
    EXPECT_FALSE(has_control_characters(text)) << text;
}

}  // namespace
}  // namespace mirrord
