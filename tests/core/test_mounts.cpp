#include "core/mounts.hpp"

#include <gtest/gtest.h>

namespace mirrord {
namespace {

std::string line_of(const std::string& point) { return "1 2 0:1 / " + point + " rw - tmpfs rw\n"; }

TEST(Mounts, ReadsWhatTheKernelEscapes) {
  EXPECT_EQ(parse_mounts("36 35 98:0 /sub /srv/a\\040b\\134\\012 rw - ext4 /dev/sda rw\n"
                         "37 36 0:5 / / rw - tmpfs tmpfs rw\n"),
            (Mounts{{"/srv/a b\\\n", "36 98:0 /sub"}, {"/", "37 0:5 /"}}));
}

TEST(Mounts, TakesOtherBytesAsTheyAre) {
  for (const char* point : {"/a\\", "/a\\04", "/a\\09x", "/a\\777", "/a\\xyz", "/a\rb", "/a\vb"})
    EXPECT_TRUE(parse_mounts(line_of(point)).contains(point)) << point;
  EXPECT_EQ(parse_mounts("1 2 0:1 /\n\n"), Mounts{});
}

TEST(Mounts, OfSeveralInOnePlaceTheOneOnTopCounts) {
  EXPECT_EQ(parse_mounts("8 1 0:1 / /srv rw - tmpfs rw\n9 8 0:2 / /srv rw - tmpfs rw\n"),
            (Mounts{{"/srv", "9 0:2 /"}}));
}

TEST(Mounts, TheInnermostMountPointCounts) {
  const Mounts points{{"/", ""}, {"/srv", ""}, {"/srv/a", ""}};
  EXPECT_EQ(mount_point_of(points, "/srv/a/b"), "/srv/a");
  EXPECT_EQ(mount_point_of(points, "/srv/ab"), "/srv");
  EXPECT_EQ(mount_point_of(points, "/etc"), "/");
}

}  // namespace
}  // namespace mirrord
