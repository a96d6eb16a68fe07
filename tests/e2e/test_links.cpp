// Symbolic links: what a link leads to is what a target holds, also when it leads elsewhere later.
#include <csignal>

#include "e2e/lab.hpp"

namespace mirrord::test {
namespace {

class Link : public Lab {
 protected:
  void SetUp() override {
    Lab::SetUp();
    if (!IsSkipped()) make_story();
  }

  void begin(const std::string& settings = "") {
    configure({.targets = {local_target("copy")}, .settings = settings});
    start();
    ASSERT_TRUE(equal("first sync"));
  }

  testing::AssertionResult equal(const std::string& what) { return arrives(what, {"copy"}); }

  /// A second directory for links to be pointed to, with one file that `images` has too.
  fs::path other_images() const {
    const fs::path other = dir / "org/imgcms/other";
    write_file(other / "logo.png", "another logo\n");
    write_file(other / "only-here/deep.png", "deep\n");
    return other;
  }
};

TEST_F(Link, DirectoryLinkRePointedOverSsh) {
  const fs::path other = other_images();
  configure({.targets = {ssh_target("tgt1"), ssh_target("tgt2")}});
  start();
  const std::vector<std::string> both{"tgt1", "tgt2"};
  ASSERT_TRUE(arrives("first sync", both));

  run_ok({"ln", "-sfn", "../../imgcms/other", source / "images"});
  ASSERT_TRUE(arrives("ln -sfn", both));
  write_file(other / "only-here/new.png", "new\n");
  ASSERT_TRUE(arrives("write below the new directory", both));
  write_file(images / "unseen.png", "no link leads here any more\n");
  append_file(other / "logo.png", "and more\n");
  ASSERT_TRUE(arrives("write below the old and the new directory", both));
}

TEST_F(Link, DirectoryLinkMovedOver) {
  const fs::path other = other_images();
  begin();
  fs::create_symlink(other, source / "next");
  ASSERT_TRUE(equal("a second link"));
  run_ok({"mv", "-T", source / "next", source / "images"});
  ASSERT_TRUE(equal("mv -T over the first"));
  write_file(other / "after.png", "after\n");
  ASSERT_TRUE(equal("write behind it"));
  run_ok({"ln", "-sfn", images, source / "images"});
  ASSERT_TRUE(equal("and back again"));
  write_file(images / "after.png", "after\n");
  ASSERT_TRUE(equal("write behind it again"));
}

TEST_F(Link, RemovedAndMadeAgain) {
  const fs::path other = other_images();
  begin();
  fs::remove(source / "images");
  ASSERT_TRUE(equal("link removed"));
  fs::create_symlink(other, source / "images");
  ASSERT_TRUE(equal("link made again"));
  write_file(other / "new.png", "new\n");
  ASSERT_TRUE(equal("write behind it"));
  fs::remove(source / "images");
  write_file(source / "images/real.png", "in a real directory\n");
  ASSERT_TRUE(equal("a directory in its place"));
  append_file(source / "images/real.png", "more\n");
  ASSERT_TRUE(equal("write in it"));
}

TEST_F(Link, LinkToLinkRePointedInTheMiddle) {
  const fs::path other = other_images();
  fs::create_directory_symlink(images, dir / "org/middle");
  fs::create_directory_symlink(dir / "org/middle", source / "chain");
  begin();
  write_file(images / "new.png", "new\n");
  ASSERT_TRUE(equal("write at the end of the chain"));
  point_link(dir / "org/middle", other);
  ASSERT_TRUE(equal("middle link re-pointed"));
  write_file(other / "newer.png", "newer\n");
  ASSERT_TRUE(equal("write at the new end"));
}

TEST_F(Link, TwoLinksToOneDirectory) {
  fs::create_directory_symlink("../../imgcms/images", source / "pictures");
  fs::create_directory_symlink("../../imgcms/images/icons", source / "news/icons");
  begin();
  write_file(images / "icons/both.png", "seen three times\n");
  ASSERT_TRUE(equal("one write, three copies"));
  fs::remove(source / "pictures");
  ASSERT_TRUE(equal("one link removed"));
  write_file(images / "icons/both.png", "seen twice\n");
  ASSERT_TRUE(equal("one write, two copies"));
  fs::remove(images / "icons/both.png");
  ASSERT_TRUE(equal("one delete, two copies"));
}

TEST_F(Link, FileLinks) {
  const fs::path real = dir / "org/shared/banner.html";
  write_file(real, "a banner\n");
  write_file(dir / "org/shared/other.html", "another banner\n");
  fs::create_symlink("../../shared/banner.html", source / "banner.html");
  begin();
  append_file(real, "longer\n");
  ASSERT_TRUE(equal("written in place by its real path"));
  append_file(source / "banner.html", "longer still\n");
  ASSERT_TRUE(equal("written in place through the link"));
  change_mode(real, 0600);
  ASSERT_TRUE(equal("chmod of the real file"));
  write_file(dir / "org/shared/draft", "replaced\n");
  fs::rename(dir / "org/shared/draft", real);
  ASSERT_TRUE(equal("replaced by its real path"));
  append_file(real, "and written again\n");
  ASSERT_TRUE(equal("written after it was replaced"));
  run_ok({"ln", "-sfn", "../../shared/other.html", source / "banner.html"});
  ASSERT_TRUE(equal("link re-pointed"));
  append_file(dir / "org/shared/other.html", "longer\n");
  ASSERT_TRUE(equal("written behind the re-pointed link"));
  fs::create_symlink("../../shared/banner.html", source / "news/new.html");
  ASSERT_TRUE(equal("a new file link"));
  append_file(real, "through the new link\n");
  ASSERT_TRUE(equal("written behind the new link"));
}

TEST_F(Link, DanglingLinksAreLeftOut) {
  fs::create_symlink("nowhere", source / "dangling");
  fs::create_symlink("gone/deep", source / "news/dangling");
  begin();
  const fs::path real = dir / "org/shared/late.html";
  fs::create_directories(real.parent_path());
  fs::create_symlink(real, source / "late.html");
  write_file(source / "marker", "made after the link\n");
  ASSERT_TRUE(equal("a new dangling link"));
  write_file(real, "here at last\n");
  ASSERT_TRUE(equal("what it points to appears"));
  fs::remove(real);
  ASSERT_TRUE(equal("what it points to goes again"));
  fs::remove(source / "dangling");
  write_file(source / "dangling", "a file in its place\n");
  ASSERT_TRUE(equal("a file in place of a dangling link"));
  fs::remove(source / "late.html");
  fs::create_symlink("late.html", source / "late.html");
  write_file(source / "marker", "made after the loop\n");
  ASSERT_TRUE(equal("a link to itself"));
}

TEST_F(Link, LinksBelowAFileAreDanglingToo) {
  // ENOTDIR where others say ENOENT; with a delete beside it, which rsync skips when it has met an
  // error of this kind.
  fs::create_symlink("index.html/below", source / "below-a-file");
  write_file(copy("copy") / "extraneous", "not in the source\n");
  write_file(copy("copy") / "index.html", "an old copy, or half of the target would be too much\n");
  begin();
  fs::create_symlink("../index.html/below", source / "news/below-a-file");
  fs::create_symlink(std::string(300, 'n'), source / "news/too-long");
  fs::remove(images / "logo.png");
  ASSERT_TRUE(equal("a new one, and a delete"));
  run_ok({"ln", "-sfn", "../../webmgr/contents/index.html/below", source / "images"});
  ASSERT_TRUE(equal("a link to a directory re-pointed there"));
  write_file(source / "tree/file", "file\n");
  fs::create_symlink("../index.html/below", source / "tree/below-a-file");
  ASSERT_TRUE(equal("in a new tree"));
  fs::rename(source / "tree", source / "renamed");
  ASSERT_TRUE(equal("in a renamed tree"));
}

TEST_F(Link, AFileInPlaceOfADirectoryOnItsWay) {
  // First it leads nowhere, and when the batch is made it does so for another reason.
  const fs::path elsewhere = dir / "org/elsewhere";
  write_file(elsewhere / "deep/page", "reached through a link\n");
  fs::create_symlink(elsewhere / "deep/page", source / "news/page");
  begin("delay = \"1s\"\n");
  fs::remove_all(elsewhere / "deep");
  ASSERT_TRUE(target_becomes("copy", "settling"));
  write_file(elsewhere / "deep", "a file where a directory was\n");
  EXPECT_TRUE(equal("without the page"));
}

TEST_F(Link, ANameThatCannotBeLeadsNowhere) {
  fs::create_symlink(images / "logo.png", source / "news/link");
  begin();
  run_ok({"ln", "-sfn", std::string(300, 'n'), source / "news/link"});
  EXPECT_TRUE(equal("without it"));
}

TEST_F(Link, LinkedDirectoryGoesAndComesBack) {
  begin();
  fs::rename(images, images.native() + ".away");
  ASSERT_TRUE(equal("the linked directory is renamed away"));
  fs::rename(images.native() + ".away", images);
  ASSERT_TRUE(equal("and comes back"));
  write_file(images / "after.png", "after\n");
  ASSERT_TRUE(equal("write in it"));
}

TEST_F(Link, LoopsAreCutAtStart) {
  fs::create_directory_symlink("../../webmgr/contents", images / "to-the-top");
  fs::create_directory_symlink(".", source / "self");
  fs::create_directory_symlink("..", source / "news/up");
  fs::create_symlink("y", source / "x");
  fs::create_symlink("x", source / "y");
  begin();
  write_file(images / "new.png", "new\n");
  ASSERT_TRUE(equal("write beside a loop"));
}

TEST_F(Link, LoopsAreCutLive) {
  begin();
  fs::create_directory_symlink("../../webmgr/contents", images / "to-the-top");
  fs::create_directory_symlink("../imgcms/images", dir / "org/webmgr/aside");
  fs::create_directory_symlink(".", source / "news/self");
  write_file(source / "marker", "made after the loops\n");
  ASSERT_TRUE(equal("new loops"));
  fs::create_directories(source / "tree/below");
  fs::create_directory_symlink("..", source / "tree/below/up");
  write_file(source / "tree/below/file", "file\n");
  ASSERT_TRUE(equal("a new tree with a loop in it"));
  append_file(source / "tree/below/file", "more\n");
  ASSERT_TRUE(equal("write beside that loop"));
  fs::remove(source / "tree/below/up");
  fs::remove(images / "to-the-top");
  write_file(source / "marker", "made after they were cut\n");
  ASSERT_TRUE(equal("loops removed"));
}

TEST_F(Link, EarlierCopiesOfALoopAreDeleted) {
  write_file(copy("copy") / "self/images/old.png", "copied before it was a loop\n");
  for (int i = 0; i < 8; ++i)  // or the deletion guard would hold so large a share
    for (const auto& place : {copy("copy"), source})
      write_file(place / ("both" + std::to_string(i)), "the same\n");
  fs::create_directory_symlink(".", source / "self");
  fs::create_directory_symlink("../../imgcms/images/icons", source / "news/icons");
  begin();
  run_ok({"ln", "-sfn", "..", source / "news/icons"});
  ASSERT_TRUE(equal("a link re-pointed into a loop"));
  run_ok({"ln", "-sfn", "../cgi-bins", source / "news/icons"});
  ASSERT_TRUE(equal("and out of it"));
  fs::create_directories(source / "deep/er");
  fs::create_directory_symlink("../images", source / "deep/er/link");
  ASSERT_TRUE(equal("a dangling link in a new tree"));
  fs::rename(source / "deep/er", source / "deeper");
  ASSERT_TRUE(equal("a rename makes it lead somewhere"));
  run_ok({"ln", "-sfn", "..", source / "deeper/link"});
  ASSERT_TRUE(equal("now into a loop"));
}

TEST_F(Link, ALinkBackInDiskOrderIsNoLoop) {
  // a/one -> ../b and b/two -> ../c: every directory is reached on several branches, none twice
  // on one branch.
  write_file(source / "c/file", "file\n");
  fs::create_directories(source / "a");
  fs::create_directories(source / "b");
  fs::create_directory_symlink("../b", source / "a/one");
  fs::create_directory_symlink("../c", source / "b/two");
  begin();
  append_file(source / "c/file", "more\n");
  ASSERT_TRUE(equal("one write, three copies"));
}

TEST_F(Link, PreservedLinksStayLinks) {
  fs::create_symlink("nowhere", source / "dangling");
  fs::create_directory_symlink(".", source / "self");
  configure({.targets = {local_target("copy")}, .settings = "symlinks = \"preserve\"\n"});
  start();
  const Comparison as_links{.links = Links::preserve};
  ASSERT_TRUE(arrives("first sync", {"copy"}, as_links));
  EXPECT_TRUE(fs::is_symlink(copy("copy") / "images"));

  run_ok({"ln", "-sfn", "elsewhere", source / "images"});
  ASSERT_TRUE(arrives("re-pointed", {"copy"}, as_links));
  fs::create_symlink("\xff odd\n", source / "new]link");
  ASSERT_TRUE(arrives("new link", {"copy"}, as_links));
  fs::remove(source / "images");
  ASSERT_TRUE(arrives("link removed", {"copy"}, as_links));
  fs::remove(source / "cgi-bins");
  write_file(source / "cgi-bins/file", "in a real directory\n");
  ASSERT_TRUE(arrives("a directory in place of a link", {"copy"}, as_links));
  fs::remove_all(source / "news");
  fs::create_symlink("cgi-bins", source / "news");
  ASSERT_TRUE(arrives("a link in place of a directory", {"copy"}, as_links));
}

TEST_F(Link, SourceItselfIsALink) {
  const fs::path releases = dir / "org/releases";
  write_file(releases / "41/app/version", "41\n");
  write_file(releases / "42/app/version", "42\n");
  write_file(releases / "42/app/new-in-42", "new\n");
  fs::create_directory_symlink("releases/41", dir / "org/current");
  source = dir / "org/current/app";  // the link is a part of the path
  begin();
  point_link(dir / "org/current", "releases/42");
  ASSERT_TRUE(equal("current -> releases/42"));
  write_file(releases / "41/app/version", "nobody looks here\n");
  append_file(releases / "42/app/version", "patched\n");
  ASSERT_TRUE(equal("write in the new release"));
}

}  // namespace
}  // namespace mirrord::test
