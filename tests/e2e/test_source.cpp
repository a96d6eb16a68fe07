// The source itself: full syncs at start, and a source that is not there deletes nothing.
#include <signal.h>

#include "e2e/lab.hpp"

namespace mirrord::test {
namespace {

class Source : public Lab {
 protected:
  void SetUp() override {
    Lab::SetUp();
    if (!IsSkipped()) make_story();
  }
};

TEST_F(Source, FirstSyncOverSshRemovesWhatIsNotInTheSource) {
  write_file(copy("tgt1") / "extraneous", "not in the source\n");
  write_file(copy("tgt1") / "news/old\n]name", "not in the source\n");
  write_file(copy("tgt1") / "index.html", "an old version, of another size\n");
  write_file(copy("tgt1") / "images", "a file where a directory must be\n");
  configure({.targets = {ssh_target("tgt1")}});
  start();
  ASSERT_TRUE(arrives("first sync", {"tgt1"}));
}

TEST_F(Source, ChangesWhileTheDaemonIsDownAreFoundAtStart) {
  configure({.targets = {local_target("copy")}});
  start();
  ASSERT_TRUE(arrives("first sync", {"copy"}));
  ASSERT_EQ(0, daemon->terminate());
  write_file(images / "new.png", "new\n");
  fs::remove(source / "index.html");
  change_mode(images / "logo.png", 0600);
  start();
  ASSERT_TRUE(arrives("after a restart", {"copy"}));

  daemon->signal(SIGKILL);
  ASSERT_TRUE(wait_until([&] { return !daemon->running(); }));
  append_file(images / "new.png", "newer\n");
  fs::remove(images / "logo.png");
  start();
  ASSERT_TRUE(arrives("after a kill", {"copy"}));
  write_file(images / "live.png", "live\n");
  ASSERT_TRUE(arrives("live again", {"copy"}));
}

TEST_F(Source, ChangesMadeRightAfterReadyAreNotMissed) {
  for (int i = 0; i < 40; ++i) write_file(images / ("d" + std::to_string(i)) / "file", "old\n");
  configure({.targets = {local_target("copy")}});
  start();
  for (int i = 0; i < 40; ++i) write_file(images / ("d" + std::to_string(i)) / "file", "new\n");
  fs::remove_all(images / "d7");
  ASSERT_TRUE(arrives("changes during the first sync", {"copy"}));
}

TEST_F(Source, DeleteFalseNeverDeletes) {
  write_file(copy("copy") / "extraneous", "stays\n");
  configure({.targets = {local_target("copy")}, .settings = "delete = false\n"});
  start();
  ASSERT_TRUE(holds(copy("copy") / "images/logo.png", "a logo\n"));
  fs::remove(source / "index.html");
  fs::rename(images / "logo.png", images / "mark.png");
  fs::remove_all(source / "news");
  write_file(source / "marker", "made after the deletes\n");
  ASSERT_TRUE(holds(copy("copy") / "marker", "made after the deletes\n"));
  ASSERT_TRUE(holds(copy("copy") / "images/mark.png", "a logo\n"));
  for (const auto* name : {"extraneous", "index.html", "images/logo.png", "news/today.html"})
    EXPECT_TRUE(fs::exists(copy("copy") / name)) << name;
  auto has_its_time = [&] {
    return fs::last_write_time(copy("copy") / "images") == fs::last_write_time(images);
  };
  const auto before = fs::last_write_time(images) - std::chrono::hours(1);
  fs::last_write_time(images, before);  // rsync 3.1.2 tells times of one second not apart
  ASSERT_TRUE(wait_until(has_its_time));
  fs::remove(images / "mark.png");
  ASSERT_NE(before, fs::last_write_time(images));
  EXPECT_TRUE(wait_until(has_its_time)) << "the time of the directory";
  fs::remove(source / "marker");
  change_mode(source, 0750);
  EXPECT_TRUE(
      wait_until([&] { return fs::status(copy("copy")).permissions() == fs::perms(0750); }));
  EXPECT_TRUE(target_becomes("copy", "idle")) << "the source itself has lost an entry";
}

TEST_F(Source, MissingAtStartAndThereLater) {
  const fs::path away = source.native() + ".away";
  fs::rename(source, away);
  run_ok({"cp", "-a", away, copy("copy")});
  const Tree before = snapshot(copy("copy"), Links::preserve);
  write_file(dir / "second/file", "of a group whose source is there\n");
  configure({.targets = {local_target("copy")}});
  configure({.targets = {local_target("second-copy")}, .name = "second", .source = dir / "second"});
  start();

  ASSERT_TRUE(group_becomes("source-missing"));
  EXPECT_FALSE(client().text(group_object("web"), "Problem").empty());
  ASSERT_TRUE(holds(copy("second-copy") / "file", "of a group whose source is there\n"));
  EXPECT_TRUE(difference(before, snapshot(copy("copy"), Links::preserve)).empty());

  fs::rename(away, source);
  ASSERT_TRUE(arrives("the source appears", {"copy"}));
  ASSERT_TRUE(group_becomes("watching"));
  write_file(images / "after.png", "after\n");
  ASSERT_TRUE(arrives("a change in it", {"copy"}));
}

TEST_F(Source, MissingWithAllDirectoriesAboveIt) {
  const fs::path above = dir / "org/webmgr";
  fs::rename(above, dir / "aside");
  configure({.targets = {local_target("copy")}});
  start();
  ASSERT_TRUE(group_becomes("source-missing"));
  fs::create_directory(above);
  fs::rename(dir / "aside/contents", source);
  ASSERT_TRUE(arrives("the source appears", {"copy"}));
}

TEST_F(Source, RenamedAwayAndBackDeletesNothing) {
  configure({.targets = {local_target("copy"), ssh_target("tgt1")}});
  start();
  ASSERT_TRUE(arrives("first sync", {"copy", "tgt1"}));
  const Tree before = snapshot(copy("copy"), Links::preserve);

  fs::rename(source, source.native() + ".away");
  ASSERT_TRUE(group_becomes("source-missing"));
  write_file(images / "meanwhile.png", "made while the source is away\n");
  client().call(manager_object(), "Sync", "ssb", "", "", 1);
  for (const auto* target : {"copy", "tgt1"})
    EXPECT_TRUE(difference(before, snapshot(copy(target), Links::preserve)).empty()) << target;

  fs::rename(source.native() + ".away", source);
  ASSERT_TRUE(group_becomes("watching"));
  ASSERT_TRUE(arrives("the source comes back", {"copy", "tgt1"}));
  write_file(images / "after.png", "after\n");
  ASSERT_TRUE(arrives("a change in it", {"copy", "tgt1"}));
}

TEST_F(Source, ReplacedByAnother) {
  configure({.targets = {local_target("copy")}});
  start();
  ASSERT_TRUE(arrives("first sync", {"copy"}));
  const fs::path next = source.native() + ".next";
  run_ok({"cp", "-a", source, next});
  write_file(next / "release", "next\n");
  fs::rename(source, source.native() + ".old");
  fs::rename(next, source);
  ASSERT_TRUE(arrives("renamed away, and another one in its place", {"copy"}));
  write_file(source.native() + ".old/unseen", "nobody looks here\n");
  write_file(source / "seen", "here they do\n");
  ASSERT_TRUE(arrives("a change in the new one", {"copy"}));
}

}  // namespace
}  // namespace mirrord::test
