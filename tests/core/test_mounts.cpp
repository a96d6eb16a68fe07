#include "core/mounts.hpp"

#include <gtest/gtest.h>

namespace mirrord {
namespace {

std::string line_of(const std::string& point) { return "1 2 0:1 / " + point + " rw - tmpfs rw\n"; }

TEST(Mounts, ReadsWhatTheKernelEscapes) {
  EXPECT_EQ(parse_mounts("36 35 98:0 /sub /srv/a\\040b\\134\\012 rw - ext4 /dev/sda rw\n"
                         "37 36 0:5 / / rw - tmpfs tmpfs rw\n"),
            (Mounts{{"/srv/a b\\\n", {"36 98:0 /sub", "ext4"}}, {"/", {"37 0:5 /", "tmpfs"}}}));
}

TEST(Mounts, TakesOtherBytesAsTheyAre) {
  for (const char* point : {"/a\\", "/a\\04", "/a\\09x", "/a\\777", "/a\\xyz", "/a\rb", "/a\vb"})
    EXPECT_TRUE(parse_mounts(line_of(point)).contains(point)) << point;
  EXPECT_EQ(parse_mounts("1 2 0:1 /\n\n"), Mounts{});
}

TEST(Mounts, OfSeveralInOnePlaceTheOneOnTopCounts) {
  EXPECT_EQ(parse_mounts("8 1 0:1 / /srv rw - tmpfs rw\n9 8 0:2 / /srv rw - tmpfs rw\n"),
            (Mounts{{"/srv", {"9 0:2 /", "tmpfs"}}}));
}

TEST(Mounts, TheTypeFollowsTheOptionalFields) {
  for (const auto* optional : {"", "shared:7 ", "shared:7 master:1 "}) {
    const std::string line = std::string("1 2 0:1 / /nas rw ") + optional + "- nfs4 nas:/x rw\n";
    EXPECT_EQ(parse_mounts(line), (Mounts{{"/nas", {"1 0:1 /", "nfs4"}}})) << line;
  }
  EXPECT_EQ(parse_mounts("1 2 0:1 / /cut rw -\n"), (Mounts{{"/cut", {"1 0:1 /", ""}}}));
}

TEST(Mounts, OfOtherHostsAndProgramsAreRemote) {
  for (const auto* type : {"nfs", "nfs4", "cifs", "fuse", "fuse.sshfs", "fuseblk", "autofs"})
    EXPECT_TRUE(is_remote({"", type})) << type;
  for (const auto* type : {"", "ext4", "xfs", "tmpfs", "overlay", "nfsd"})
    EXPECT_FALSE(is_remote({"", type})) << type;
}

TEST(Mounts, TheInnermostMountPointCounts) {
  const Mounts points{{"/", {}}, {"/srv", {}}, {"/srv/a", {}}};
  EXPECT_EQ(mount_point_of(points, "/srv/a/b"), "/srv/a");
  EXPECT_EQ(mount_point_of(points, "/srv/ab"), "/srv");
  EXPECT_EQ(mount_point_of(points, "/etc"), "/");
}

}  // namespace
}  // namespace mirrord
