#include "core/mounts.hpp"

#include <gtest/gtest.h>

namespace mirrord {
namespace {

using Points = std::set<std::string>;

TEST(Mounts, ReadsWhatTheKernelEscapes) {
  EXPECT_EQ(parse_mount_points("36 35 98:0 / /srv/a\\040b\\134\\012 rw - ext4 /dev/sda rw\n"
                               "37 36 0:5 / / rw - tmpfs tmpfs rw\n"),
            (Points{"/srv/a b\\\n", "/"}));
}

TEST(Mounts, TakesOtherBackslashesAsTheyAre) {
  for (const char* point : {"/a\\", "/a\\04", "/a\\09x", "/a\\777", "/a\\xyz"})
    EXPECT_EQ(parse_mount_points(std::string("1 2 0:1 / ") + point + " rw\n"), Points{point});
  EXPECT_EQ(parse_mount_points("1 2 0:1 /\n\n"), Points{});
}

TEST(Mounts, TheInnermostMountPointCounts) {
  const Points points{"/", "/srv", "/srv/a"};
  EXPECT_EQ(mount_point_of(points, "/srv/a/b"), "/srv/a");
  EXPECT_EQ(mount_point_of(points, "/srv/ab"), "/srv");
  EXPECT_EQ(mount_point_of(points, "/etc"), "/");
}

}  // namespace
}  // namespace mirrord
