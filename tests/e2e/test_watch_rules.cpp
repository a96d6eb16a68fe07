// Which links are followed: symlinks =, follow_into =, and what the group's user cannot read.
#include <pwd.h>
#include <unistd.h>

#include <algorithm>

#include "e2e/watch_lab.hpp"

namespace mirrord::test {
namespace {

class WatchRules : public WatchLab {
 protected:
  testing::AssertionResult equal_as_links(const std::string& what) {
    return equal(what, {.links = Links::preserve});
  }
};

TEST_F(WatchRules, PreservedLinksBelowASourceThatIsRePointed) {
  write_file(dir / "releases/41/file", "41\n");
  write_file(dir / "releases/41/gone-in-42/file", "41\n");
  write_file(dir / "releases/42/file", "42\n");
  for (const auto* release : {"41", "42"}) {
    fs::create_symlink("file", dir / "releases" / release / "link");
    fs::create_directory_symlink(images, dir / "releases" / release / "images");
  }
  fs::create_directory_symlink("releases/41", dir / "current");
  source = dir / "current";
  begin("symlinks = \"preserve\"\n", {.links = Links::preserve});
  point_link(dir / "current", "releases/42");
  ASSERT_TRUE(equal_as_links("current -> releases/42"));
  write_file(images / "unseen.png", "links are not followed\n");
  point_link(dir / "releases/42/link", "nowhere");
  fs::create_symlink("loop", dir / "releases/42/loop");
  fs::create_directories(dir / "releases/42/sub");
  fs::create_symlink("..", dir / "releases/42/sub/up");
  ASSERT_TRUE(equal_as_links("links re-pointed and made"));
  fs::rename(dir / "releases/42/sub", dir / "releases/42/moved");
  fs::remove(dir / "releases/42/loop");
  ASSERT_TRUE(equal_as_links("a tree with a link moved"));
}

TEST_F(WatchRules, AnExternalLinkThatLeadsNowhereIsLeftOut) {
  const fs::path banner = dir / "org/shared/banner.html", other = dir / "org/shared/other.html";
  const auto both_have = [&](const char* name, bool have) {
    const bool done = wait_until([&] {
      return std::ranges::all_of(
          both, [&](const auto& target) { return fs::exists(copy(target) / name) == have; });
    });
    return done && both_become("idle");
  };
  write_file(banner, "a banner\n");
  fs::create_symlink("../../shared/banner.html", source / "banner.html");
  configure(web("symlinks = \"follow-external\"\n"));
  start();
  ASSERT_TRUE(both_have("banner.html", true));
  fs::remove(banner);
  EXPECT_TRUE(both_have("banner.html", false)) << "its end is gone";
  write_file(source / "other.html", "a file\n");
  ASSERT_TRUE(both_have("other.html", true));
  point_link(source / "other.html", "../../shared/other.html");
  EXPECT_TRUE(both_have("other.html", false)) << "made without an end";
  write_file(other, "other\n");
  write_file(banner, "back\n");
  EXPECT_TRUE(both_have("other.html", true));
  EXPECT_TRUE(both_have("banner.html", true));
}

TEST_F(WatchRules, ExternalLinksAreFollowedAndOthersStayLinks) {
  const Arguments rule{"--copy-unsafe-links"};
  write_file(dir / "org/shared/banner.html", "a banner\n");
  fs::create_directory_symlink("news", source / "internal");
  fs::create_symlink("../index.html", source / "news/index.html");
  fs::create_symlink("../../shared/banner.html", source / "banner.html");
  fs::create_directory_symlink(source / "news", source / "absolute");
  fs::create_symlink("logo.png", images / "inside-of-images");
  fs::create_symlink("icons/../logo.png", images / "up-after-a-name");
  fs::create_symlink("nowhere", source / "dangling-inside");
  configure(web("symlinks = \"follow-external\"\n"));
  start();
  ASSERT_TRUE(equal_to_rsync("first sync", rule));
  EXPECT_TRUE(fs::is_symlink(copy("tgt1") / "internal"));
  EXPECT_FALSE(fs::is_symlink(copy("tgt1") / "images"));
  EXPECT_FALSE(fs::is_symlink(copy("tgt1") / "absolute"));

  write_file(images / "icons/new.png", "new\n");
  append_file(dir / "org/shared/banner.html", "longer\n");
  append_file(source / "news/today.html", "longer\n");
  ASSERT_TRUE(equal_to_rsync("writes behind external links", rule));

  point_link(source / "internal", "../../imgcms/images");
  ASSERT_TRUE(equal_to_rsync("an internal link becomes external", rule));
  write_file(images / "after.png", "after\n");
  ASSERT_TRUE(equal_to_rsync("a write behind it", rule));
  point_link(source / "internal", "news");
  ASSERT_TRUE(equal_to_rsync("and internal again", rule));
  EXPECT_TRUE(fs::is_symlink(copy("tgt2") / "internal"));
  write_file(images / "later.png", "later\n");
  ASSERT_TRUE(equal_to_rsync("a write behind another one", rule));

  fs::rename(source / "news", source / "moved");
  point_link(source / "absolute", source / "moved");  // rsync has no rule for one that dangles
  ASSERT_TRUE(equal_to_rsync("a directory with links moved", rule));
  fs::create_directories(source / "deep/down");
  fs::rename(source / "internal", source / "deep/down/internal");
  fs::create_symlink("../../index.html", source / "deep/down/inside");
  fs::create_symlink("../../../contents/index.html", source / "deep/down/climbs-out");
  ASSERT_TRUE(equal_to_rsync("links made and moved at depth", rule));
}

TEST_F(WatchRules, LinksOutOfBoundsAreLeftOutAndToldOnce) {
  write_file(dir / "org/secret/file", "not to be published\n");
  fs::create_symlink(dir / "org/secret/file", source / "secret-file");
  fs::create_directory_symlink("../../secret", images / "secret-dir");
  const std::vector<std::string> outside{"cgi-bins", "secret-file", "images/secret-dir"};
  configure(web("rescan = \"1s\"\nfollow_into = [\"" + (dir / "org/imgcms").native() + "\"]\n"));
  start();
  ASSERT_TRUE(equal_without("first sync", outside));
  append_file(cgi_bins / "counter.cgi", "unseen\n");
  write_file(images / "icons/new.png", "new\n");
  write_file(dir / "org/secret/new", "unseen\n");
  ASSERT_TRUE(equal_without("writes on both sides of the bound", outside));
  // The third full sync of a group that is compared every second.
  ASSERT_TRUE(wait_until([&] { return logged("web/tgt1: full sync") >= 3; }));
  for (const auto& path : outside)
    EXPECT_EQ(1u, logged((source / path).native() + "': the link leads out of follow_into"))
        << path;
}

TEST_F(WatchRules, ALinkThatCrossesTheBound) {
  const fs::path inside = dir / "org/imgcms/other";
  write_file(inside / "file", "inside\n");
  write_file(dir / "org/secret/file", "secret\n");
  fs::create_symlink(inside / "file", source / "file");
  fs::create_directory_symlink(inside, source / "tree");
  fs::remove(source / "cgi-bins");
  begin("follow_into = [\"" + (dir / "org/imgcms").native() + "\"]\n");

  point_link(source / "tree", dir / "org/secret");
  point_link(source / "file", dir / "org/secret/file");
  ASSERT_TRUE(equal_without("re-pointed to the outside", {"tree", "file"}));
  write_file(dir / "org/secret/new", "unseen\n");
  append_file(dir / "org/secret/file", "unseen\n");
  append_file(source / "index.html", "longer\n");
  ASSERT_TRUE(equal_without("writes there", {"tree", "file"}));
  for (const auto* name : {"tree", "file"})
    EXPECT_EQ(1u, logged((source / name).native() + "': the link leads out of follow_into"))
        << name;

  point_link(source / "tree", inside);
  point_link(source / "file", inside / "file");
  ASSERT_TRUE(equal("and back to the inside"));
  append_file(inside / "file", "longer\n");
  ASSERT_TRUE(equal("a write there"));

  fs::rename(inside, dir / "org/moved-out");
  fs::create_directory_symlink("../moved-out", inside);
  ASSERT_TRUE(equal_without("the way leads out further on", {"tree", "file"}));
  fs::remove(inside);
  fs::rename(dir / "org/moved-out", inside);
  ASSERT_TRUE(equal("and in again"));
}

/// Groups whose rsync runs as nobody, who logs in on the targets as the user of the test.
class WatchUser : public WatchLab {
 protected:
  void SetUp() override {
    WatchLab::SetUp();
    if (IsSkipped()) return;
    if (::geteuid() != 0) GTEST_SKIP() << "only root can start children as another user";
    if (!::getpwnam("nobody")) GTEST_SKIP() << "there is no user nobody";
    GroupText group = web("user = \"nobody\"\nretry = { initial = \"100ms\", max = \"1s\" }\n");
    for (const auto& target : both) {
      // ssh refuses its own user's key that others can read, not that of somebody else.
      change_mode(server(target).identity_file(), 0644);
      change_mode(server(target).identity_file().parent_path(), 0755);
    }
    configure(group);
    write_file(dir / "witnessed/begin", "begin\n");
    configure({.targets = {local_target("witness-copy")},
               .name = "witness",
               .source = dir / "witnessed"});
  }
};

TEST_F(WatchUser, UnreadableFromTheStartIsPassedOver) {
  write_file(source / "private/file", "for root only\n");
  change_mode(source / "private", 0700);
  write_file(dir / "org/private/tree/file", "for root only\n");
  change_mode(dir / "org/private", 0700);
  fs::create_directory_symlink(dir / "org/private/tree", source / "linked");
  write_file(dir / "org/private-file", "for root only\n");
  change_mode(dir / "org/private-file", 0600);
  fs::create_symlink("../../private-file", source / "linked-file");
  const std::vector<std::string> unread{"private", "linked", "linked-file"};
  start();
  ASSERT_TRUE(equal_outside("first sync", unread));
  ASSERT_TRUE(both_become("idle"));
  for (const auto* path : {"private/file", "linked/file", "linked-file"})
    EXPECT_FALSE(fs::exists(copy("tgt1") / path)) << path;

  write_file(images / "icons/new.png", "new\n");
  ASSERT_TRUE(equal_outside("a change", unread));
  ASSERT_TRUE(both_become("idle"));
  change_mode(source / "private", 0755);
  ASSERT_TRUE(equal_outside("the directory can be read", {"linked", "linked-file"}));
  change_mode(dir / "org/private-file", 0644);
  ASSERT_TRUE(equal_outside("the file behind a link can be read", {"linked"}));
  change_mode(dir / "org/private", 0755);
  ASSERT_TRUE(equal("the directory behind a link can be read"));
  append_file(dir / "org/private/tree/file", "longer\n");
  append_file(source / "private/file", "longer\n");
  append_file(dir / "org/private-file", "longer\n");
  ASSERT_TRUE(equal("writes in all three"));
  ASSERT_TRUE(both_become("idle"));
}

TEST_F(WatchUser, UnreadableLaterKeepsItsCopies) {
  write_file(source / "private/sub/file", "still for all\n");
  start();
  ASSERT_TRUE(equal("first sync"));
  const std::vector<std::string> unread{"private", "images"};
  change_mode(source / "private", 0700);
  change_mode(dir / "org/imgcms", 0700);
  append_file(source / "index.html", "longer\n");
  ASSERT_TRUE(equal_outside("a change beside them", unread));
  ASSERT_TRUE(both_become("idle"));
  ASSERT_TRUE(full_sync_and_witness());
  ASSERT_TRUE(both_become("idle"));
  for (const auto& target : both)
    for (const auto* path : {"private/sub/file", "images/logo.png", "images/icons/home.png"})
      EXPECT_TRUE(fs::exists(copy(target) / path)) << target << ' ' << path;

  append_file(source / "private/sub/file", "written meanwhile\n");
  write_file(images / "meanwhile.png", "written meanwhile\n");
  fs::remove(images / "icons/home.png");
  change_mode(source / "private", 0755);
  change_mode(dir / "org/imgcms", 0755);
  ASSERT_TRUE(equal("they can be read again"));
  append_file(source / "private/sub/file", "and later\n");
  write_file(images / "icons/later.png", "and later\n");
  ASSERT_TRUE(equal("writes in them"));
}

TEST_F(WatchUser, UnreadableOverARestartKeepsItsCopies) {
  write_file(source / "private/file", "still for all\n");
  start();
  ASSERT_TRUE(equal("first sync"));
  ASSERT_EQ(0, daemon->terminate());
  change_mode(source / "private", 0700);
  change_mode(images, 0700);
  start();
  append_file(source / "index.html", "longer\n");
  ASSERT_TRUE(equal_outside("a change beside them", {"private", "images"}));
  ASSERT_TRUE(both_become("idle"));
  for (const auto& target : both)
    for (const auto* path : {"private/file", "images/logo.png"})
      EXPECT_TRUE(fs::exists(copy(target) / path)) << target << ' ' << path;
  change_mode(source / "private", 0755);
  change_mode(images, 0755);
  ASSERT_TRUE(equal("they can be read again"));
}

TEST_F(WatchUser, TheSourcesParentCannotBeRead) {
  start();
  ASSERT_TRUE(equal("first sync"));
  const auto before = copies();
  change_mode(dir / "org/webmgr", 0700);
  ASSERT_TRUE(becomes("web", "source-missing", kPatience));
  fs::remove(source / "index.html");
  write_file(images / "meanwhile.png", "written meanwhile\n");
  ASSERT_TRUE(full_sync_and_witness());
  EXPECT_TRUE(copies_are(before));
  change_mode(dir / "org/webmgr", 0755);
  ASSERT_TRUE(becomes("web", "watching", kPatience));
  ASSERT_TRUE(equal("it can be read again"));
  write_file(images / "after.png", "after\n");
  ASSERT_TRUE(equal("a change"));
}

}  // namespace
}  // namespace mirrord::test
