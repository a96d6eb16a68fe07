#include "core/capabilities.hpp"

#include <gtest/gtest.h>

namespace mirrord {
namespace {

TEST(Capabilities, ReadsTheVersionsOfAllGenerations) {
  const struct {
    const char* output;
    std::optional<RsyncVersion> version;
  } cases[] = {
      {"rsync  version 3.0.9  protocol version 30\nCopyright", RsyncVersion{3, 0, 9}},
      {"rsync  version 3.1.2  protocol version 31\n", RsyncVersion{3, 1, 2}},
      {"rsync  version v3.2.3  protocol version 31\n", RsyncVersion{3, 2, 3}},
      {"rsync  version 3.4.1pre1  protocol version 32\n", RsyncVersion{3, 4, 1}},
      {"rsync  version 3.5.0  protocol version 32\n", RsyncVersion{3, 5, 0}},
      {"Welcome!\nrsync  version 3.2.7  protocol", RsyncVersion{3, 2, 7}},
      {"rsync  version x", std::nullopt},
      {"rsync: command not found", std::nullopt},
      {"openrsync: protocol version 29", std::nullopt},
      {"", std::nullopt},
  };
  for (const auto& c : cases) EXPECT_EQ(parse_rsync_version(c.output), c.version) << c.output;
}

TEST(Capabilities, NoticesAShellThatTalks) {
  EXPECT_FALSE(is_noisy("rsync  version 3.2.7  protocol version 31\n"));
  EXPECT_TRUE(is_noisy("Welcome!\nrsync  version 3.2.7  protocol version 31\n"));
  EXPECT_FALSE(is_noisy("rrsync: this is a forced command")) << "an answer of another kind";
  EXPECT_FALSE(is_noisy(""));
}

TEST(Capabilities, AStandbyNeedsAnRsyncThatKeepsItsConnectionAlive) {
  EXPECT_TRUE((Capabilities{RsyncVersion{3, 1, 2}, RsyncVersion{3, 1, 2}}.waits_for_list()));
  EXPECT_TRUE((Capabilities{RsyncVersion{3, 2, 7}, std::nullopt}.waits_for_list()));
  EXPECT_FALSE((Capabilities{RsyncVersion{3, 0, 9}, RsyncVersion{3, 1, 2}}.waits_for_list()));
  EXPECT_FALSE((Capabilities{RsyncVersion{3, 1, 2}, RsyncVersion{3, 0, 9}}.waits_for_list()));
  EXPECT_FALSE((Capabilities{}.waits_for_list()));
}

}  // namespace
}  // namespace mirrord
