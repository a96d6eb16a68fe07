// Links in every place and of every kind, over ssh: what they lead to, and what changes on the way.
#include <sys/stat.h>
#include <unistd.h>

#include "e2e/watch_lab.hpp"

namespace mirrord::test {
namespace {

class WatchLinks : public WatchLab {};

TEST_F(WatchLinks, InEveryPartOfTheSourcesPath) {
  for (const auto* release : {"41", "42"}) {
    write_file(dir / "disk/releases" / release / "htdocs/version", release);
    write_file(dir / "disk/releases" / release / "htdocs/sub/page", release);
  }
  write_file(dir / "disk/releases/41/htdocs/only-in-41", "old\n");
  write_file(dir / "disk/releases/41/htdocs/tree-of-41/deep/file", "old\n");
  write_file(dir / "other-disk/releases/43/htdocs/version", "43");
  fs::create_directory_symlink(dir / "disk", dir / "volume");           // absolute
  fs::create_directory_symlink("releases/41", dir / "disk/current");    // relative
  fs::create_directory_symlink("volume/current", dir / "site");         // through another link
  fs::create_directory_symlink("../site/htdocs", dir / "org/docroot");  // the last part
  source = dir / "org/docroot";
  begin();

  point_link(dir / "disk/current", "releases/42");
  ASSERT_TRUE(equal("a link in the middle re-pointed"));
  EXPECT_FALSE(fs::exists(copy("tgt1") / "tree-of-41"));
  write_file(dir / "disk/releases/41/htdocs/version", "nobody looks here\n");
  append_file(dir / "disk/releases/42/htdocs/sub/page", "patched\n");
  ASSERT_TRUE(equal("a write in the new release"));

  fs::create_directory_symlink("releases/43", dir / "other-disk/current");
  point_link(dir / "volume", dir / "other-disk");
  ASSERT_TRUE(equal("the absolute link re-pointed"));
  write_file(dir / "other-disk/releases/43/htdocs/new", "new\n");
  ASSERT_TRUE(equal("a write on the other disk"));

  fs::remove(dir / "org/docroot");
  fs::create_directory_symlink(dir / "disk/releases/41/htdocs", dir / "org/docroot");
  ASSERT_TRUE(equal("the last part removed and made again"));
  fs::remove(dir / "disk/releases/41/htdocs/only-in-41");
  ASSERT_TRUE(equal("a delete there"));
  EXPECT_EQ(client().text(group_object("web"), "ResolvedSource"),
            (dir / "disk/releases/41/htdocs").native());
}

TEST_F(WatchLinks, SourceRePointedManyTimes) {
  for (const auto* release : {"41", "42", "43"}) {
    write_file(dir / "releases" / release / "version", release);
    write_file(dir / "releases" / release / ("only-in-" + std::string(release)) / "file", release);
    fs::create_directory_symlink("../../org/imgcms/images", dir / "releases" / release / "images");
  }
  fs::create_directory_symlink("releases/41", dir / "current");
  source = dir / "current";
  begin();
  for (int i = 0; i < 30; ++i)
    point_link(dir / "current", "releases/4" + std::to_string(1 + i % 3));
  ASSERT_TRUE(equal("re-pointed thirty times"));
  point_link(dir / "current", "releases/42");
  write_file(dir / "releases/42/at-once", "written right after\n");
  ASSERT_TRUE(equal("re-pointed and written to"));
  EXPECT_FALSE(fs::exists(copy("tgt2") / "only-in-43"));
  write_file(images / "after.png", "after\n");
  ASSERT_TRUE(equal("a write behind a link in it"));
  ASSERT_TRUE(none_leaked());
}

TEST_F(WatchLinks, ToLinksWithEachOneRePointed) {
  write_file(dir / "a/file", "in a\n");
  write_file(dir / "b/file", "in b\n");
  write_file(dir / "b/more/file", "more in b\n");
  fs::create_directory_symlink("a", dir / "third");
  fs::create_directory_symlink(dir / "third", dir / "second");
  fs::create_directory_symlink("../../../second", source / "first");
  fs::create_symlink("../../../second/file", source / "file-in-it");
  begin();
  point_link(dir / "third", "b");
  ASSERT_TRUE(equal("the third re-pointed"));
  append_file(dir / "b/more/file", "longer\n");
  append_file(dir / "b/file", "longer\n");
  ASSERT_TRUE(equal("writes at its end"));
  fs::remove(dir / "second");
  ASSERT_TRUE(equal("the second removed"));
  EXPECT_FALSE(fs::exists(copy("tgt1") / "first"));
  fs::create_directory_symlink("a", dir / "second");
  ASSERT_TRUE(equal("the second made again, elsewhere"));
  append_file(dir / "a/file", "longer\n");
  ASSERT_TRUE(equal("a write at its end"));
  run_ok({"ln", "-sfn", "../../../b", source / "first"});
  append_file(dir / "b/more/file", "longest\n");
  ASSERT_TRUE(equal("the first re-pointed"));
  ASSERT_TRUE(none_leaked());
}

TEST_F(WatchLinks, BetweenFollowedTrees) {
  fs::create_directory_symlink("../../cgicms/cgi-bins", images / "tools");
  fs::create_directory_symlink(images / "icons", cgi_bins / "icons");
  fs::create_symlink("../../imgcms/images/logo.png", cgi_bins / "logo");
  begin();
  write_file(images / "icons/new.png", "reached by four ways\n");
  append_file(images / "logo.png", "longer\n");
  ASSERT_TRUE(equal("a write in a tree that another one leads to"));
  fs::create_directories(cgi_bins / "new/deep");
  write_file(cgi_bins / "new/deep/file", "new\n");
  ASSERT_TRUE(equal("a new tree"));
  fs::rename(images / "icons", images / "symbols");
  ASSERT_TRUE(equal("the referent of the inner link renamed"));
  write_file(images / "symbols/after.png", "after\n");
  ASSERT_TRUE(equal("a write in it"));
  fs::rename(images / "symbols", images / "icons");
  ASSERT_TRUE(equal("and back"));
  fs::remove(source / "cgi-bins");
  append_file(cgi_bins / "new/deep/file", "still seen through images/tools\n");
  ASSERT_TRUE(equal("one of the ways removed"));
  ASSERT_TRUE(none_leaked());
}

TEST_F(WatchLinks, OneDirectoryByManyWays) {
  for (const auto* name : {"one", "two", "news/three"})
    fs::create_directory_symlink(images, source / name);
  fs::create_directory_symlink("one", source / "four");
  fs::create_directory_symlink("../one/icons", source / "news/five");
  begin();
  write_file(images / "icons/new.png", "new\n");
  write_file(images / "set/large/a.png", "a\n");
  ASSERT_TRUE(equal("a file and a tree"));
  fs::rename(images / "set", images / "kit");
  ASSERT_TRUE(equal("a directory renamed"));
  append_file(images / "kit/large/a.png", "longer\n");
  change_mode(images / "icons/new.png", 0600);
  fs::remove(images / "logo.png");
  ASSERT_TRUE(equal("a write, a chmod, a delete"));
  fs::remove(source / "one");
  append_file(images / "kit/large/a.png", "longest\n");
  ASSERT_TRUE(equal("the way that others lead through removed"));
  fs::remove_all(images / "kit");
  ASSERT_TRUE(equal("a tree removed"));
  ASSERT_TRUE(none_leaked());
}

TEST_F(WatchLinks, RePointedByRenameAndByUnlinkWithoutAPause) {
  const fs::path other = dir / "org/imgcms/other";
  write_file(other / "logo.png", "another logo\n");
  write_file(other / "only-here/deep.png", "deep\n");
  fs::create_symlink("../../imgcms/images/logo.png", source / "logo");
  begin();
  for (int i = 0; i < 40; ++i) {
    const fs::path end = i % 2 == 0 ? other : images;
    point_link(source / "images", end);
    fs::remove(source / "logo");
    fs::create_symlink(end / "logo.png", source / "logo");
    append_file(end / "logo.png", "line " + std::to_string(i) + '\n');
  }
  ASSERT_TRUE(equal("the last word counts"));
  point_link(source / "images", other);
  fs::remove(source / "logo");
  fs::create_symlink(other / "logo.png", source / "logo");
  append_file(other / "logo.png", "written right after\n");
  write_file(other / "only-here/new.png", "written right after\n");
  ASSERT_TRUE(equal("re-pointed and written to"));
  ASSERT_TRUE(none_leaked());
}

TEST_F(WatchLinks, ADanglingLinkGainsWhatItLeadsTo) {
  const fs::path late = dir / "later/deep/down/tree";
  fs::create_directory_symlink(late, source / "late");
  fs::create_directory_symlink("../late/below", source / "news/late-below");
  fs::create_symlink(dir / "later/file", source / "late-file");
  begin();
  fs::create_directories(late);
  write_file(late / "below/file", "here at last\n");
  ASSERT_TRUE(equal("all directories down to it are made"));
  EXPECT_TRUE(fs::exists(copy("tgt1") / "news/late-below/file"));
  append_file(late / "below/file", "longer\n");
  write_file(dir / "later/file", "a file\n");
  ASSERT_TRUE(equal("writes there"));
  fs::rename(dir / "later", dir / "later.away");
  ASSERT_TRUE(equal("the top renamed away"));
  EXPECT_FALSE(fs::exists(copy("tgt1") / "late"));
  fs::create_directories(dir / "later/deep/down");
  write_file(late, "a file, where a directory was\n");
  ASSERT_TRUE(equal("a file in its place"));
  fs::remove_all(dir / "later");
  fs::rename(dir / "later.away", dir / "later");
  ASSERT_TRUE(equal("and back"));
  write_file(late / "below/after", "after\n");
  append_file(dir / "later/file", "longer\n");
  ASSERT_TRUE(equal("writes there again"));
  fs::remove_all(dir / "later");
  ASSERT_TRUE(equal("all removed"));
  fs::create_directories(late / "below");
  write_file(late / "below/file", "once more\n");
  ASSERT_TRUE(equal("all made again"));
}

TEST_F(WatchLinks, ALinkThatDanglesInABatchWithATree) {
  // The lane of trees hides dangling links from rsync; their copies must go all the same.
  write_file(dir / "org/shared/a/file", "in a\n");
  write_file(dir / "org/shared/file", "a file\n");
  fs::create_directory_symlink("../../shared/a", source / "a");
  fs::create_symlink("../../../shared/file", source / "news/file");
  begin();
  write_file(source / "tree/deep/file", "a tree in the same batch\n");
  fs::remove_all(dir / "org/shared");
  fs::rename(source / "tree", source / "moved");
  ASSERT_TRUE(equal("both links dangle"));
  write_file(dir / "org/shared/a/file", "in a again\n");
  write_file(dir / "org/shared/file", "a file again\n");
  fs::rename(source / "moved", source / "tree");
  ASSERT_TRUE(equal("and no more"));
}

TEST_F(WatchLinks, ALinkToADirectoryBecomesALoopOfNames) {
  write_file(dir / "org/shared/tree/file", "in a tree\n");
  fs::create_directory_symlink("../../shared/tree", source / "x");
  fs::create_directory_symlink("x", source / "y");
  begin();
  point_link(source / "x", "y");
  ASSERT_TRUE(equal("it leads nowhere"));
  ASSERT_TRUE(both_become("idle"));
  point_link(source / "x", "../../shared/tree");
  ASSERT_TRUE(equal("and back"));
}

TEST_F(WatchLinks, AParentOfWhatItLeadsToIsSwapped) {
  write_file(dir / "org/imgcms.next/images/logo.png", "the next logo\n");
  write_file(dir / "org/imgcms.next/images/next/only.png", "only there\n");
  begin();
  fs::rename(dir / "org/imgcms", dir / "org/imgcms.old");
  fs::rename(dir / "org/imgcms.next", dir / "org/imgcms");
  ASSERT_TRUE(equal("swapped"));
  write_file(dir / "org/imgcms.old/images/unseen", "nobody looks here\n");
  write_file(images / "next/seen", "here they do\n");
  ASSERT_TRUE(equal("a write in the new one"));
  fs::rename(dir / "org/imgcms", dir / "org/imgcms.next");
  fs::rename(dir / "org/imgcms.old", dir / "org/imgcms");
  ASSERT_TRUE(equal("and back"));
  write_file(images / "icons/after.png", "after\n");
  ASSERT_TRUE(equal("a write in the old one"));
  ASSERT_TRUE(none_leaked());
}

TEST_F(WatchLinks, MutualLoops) {
  fs::create_directory_symlink("../../cgicms/cgi-bins", images / "tools");
  fs::create_directory_symlink("../../imgcms/images", cgi_bins / "art");
  fs::create_symlink("y", source / "x");
  fs::create_symlink("x", source / "y");
  begin();
  write_file(images / "icons/new.png", "new\n");
  write_file(cgi_bins / "new.cgi", "new\n");
  ASSERT_TRUE(equal("writes on both sides"));
  write_file(dir / "org/shared/tree/file", "in a tree\n");
  point_link(source / "x", "../../shared/tree");
  ASSERT_TRUE(equal("a loop of names becomes two ways to a directory"));
  append_file(dir / "org/shared/tree/file", "longer\n");
  ASSERT_TRUE(equal("a write there"));
  point_link(source / "x", "y");
  ASSERT_TRUE(equal("a loop again"));
  fs::remove(cgi_bins / "art");
  ASSERT_TRUE(equal("one side of the other loop removed"));
  write_file(cgi_bins / "art/real.png", "a real directory\n");
  ASSERT_TRUE(equal("a directory in its place"));
  fs::remove_all(cgi_bins / "art");
  fs::create_directory_symlink("../../imgcms/images", cgi_bins / "art");
  fs::create_directory_symlink("../../../webmgr/contents", images / "icons/top");
  append_file(images / "logo.png", "longer\n");
  ASSERT_TRUE(equal("loops again, live"));
  fs::remove_all(images / "icons");
  append_file(cgi_bins / "new.cgi", "longer\n");
  ASSERT_TRUE(equal("a tree with a loop in it removed"));
}

TEST_F(WatchLinks, FilesByTheirRealPath) {
  const fs::path real = dir / "org/shared/data/banner.html";
  write_file(real, "a banner\n");
  fs::create_symlink("data/banner.html", dir / "org/shared/middle");
  fs::create_symlink("../../shared/middle", source / "banner.html");
  fs::create_symlink(real, source / "news/banner.html");
  begin();
  append_file(real, "longer\n");
  ASSERT_TRUE(equal("written in place"));
  for (int i = 0; i < 10; ++i) {
    write_file(dir / "org/shared/data/draft", "edition " + std::to_string(i) + '\n');
    fs::rename(dir / "org/shared/data/draft", real);
  }
  ASSERT_TRUE(equal("replaced by rename, ten times"));
  append_file(real, "longer\n");
  ASSERT_TRUE(equal("written in place after that"));
  change_mode(real, 0640);
  ASSERT_TRUE(equal("chmod"));
  fs::rename(dir / "org/shared/data", dir / "org/shared/data.away");
  ASSERT_TRUE(equal("its directory renamed away"));
  EXPECT_FALSE(fs::exists(copy("tgt1") / "banner.html"));
  fs::rename(dir / "org/shared/data.away", dir / "org/shared/data");
  ASSERT_TRUE(equal("and back"));
  append_file(real, "longest\n");
  ASSERT_TRUE(equal("written in place after that"));
  fs::remove(real);
  write_file(real / "now-a/directory", "at the end of a file's links\n");
  ASSERT_TRUE(equal("a directory in its place"));
  append_file(real / "now-a/directory", "longer\n");
  ASSERT_TRUE(equal("a write in it"));
  ASSERT_TRUE(none_leaked());
}

TEST_F(WatchLinks, OntoAnotherFileSystem) {
  struct Elsewhere {
    fs::path path = "/dev/shm/mirrord-test." + std::to_string(::getpid());
    ~Elsewhere() { fs::remove_all(path); }
  } elsewhere;
  struct stat here {
  }, there{};
  if (::stat("/dev/shm", &there) < 0 || ::stat(dir.path().c_str(), &here) < 0 ||
      here.st_dev == there.st_dev)
    GTEST_SKIP() << "/dev/shm is no file system of its own";
  write_file(elsewhere.path / "tree/file", "elsewhere\n");
  write_file(elsewhere.path / "single", "a file elsewhere\n");
  fs::create_directory_symlink(elsewhere.path / "tree", source / "tree");
  fs::create_symlink(elsewhere.path / "single", source / "single");
  fs::create_directory_symlink(images, elsewhere.path / "tree/and-back");
  begin();
  append_file(elsewhere.path / "tree/file", "longer\n");
  append_file(elsewhere.path / "single", "longer\n");
  write_file(elsewhere.path / "tree/new/deep/file", "new\n");
  write_file(images / "new.png", "new, and reached by way of the other file system\n");
  ASSERT_TRUE(equal("writes there"));
  run_ok({"mv", source / "news", elsewhere.path / "tree/news"});
  ASSERT_TRUE(equal("a tree moved to it"));
  append_file(elsewhere.path / "tree/news/today.html", "longer\n");
  ASSERT_TRUE(equal("a write in it"));
  fs::rename(elsewhere.path / "tree", elsewhere.path / "away");
  ASSERT_TRUE(equal("what the link leads to renamed away"));
  fs::rename(elsewhere.path / "away", elsewhere.path / "tree");
  ASSERT_TRUE(equal("and back"));
  write_file(elsewhere.path / "tree/new/after", "after\n");
  ASSERT_TRUE(equal("a write in it"));
}

TEST_F(WatchLinks, ChurnOfLinksLeaksNoWatch) {
  write_file(dir / "a/1/2/file", "a\n");
  write_file(dir / "b/1/file", "b\n");
  begin();
  for (int i = 0; i < 60; ++i) {
    const fs::path link = source / ("link" + std::to_string(i % 4));
    switch (i % 5) {
      case 0:
        point_link(link, dir / "a");
        break;
      case 1:
        point_link(link, dir / "b/1");
        break;
      case 2:
        fs::remove(link);
        break;
      case 3:
        fs::rename(dir / "a/1", dir / "a/x");
        fs::rename(dir / "a/x", dir / "a/1");
        break;
      default:
        point_link(link, "link" + std::to_string((i + 1) % 4));
        break;
    }
    if (i % 20 == 10) write_file(dir / "a/1/2/file", std::to_string(i));
  }
  ASSERT_TRUE(none_leaked());
}

}  // namespace
}  // namespace mirrord::test
