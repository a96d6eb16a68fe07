// A source, or a part of it, that is lost: nothing is deleted on any target, and it comes back by
// itself. Mounts are made in a mount namespace that only this process and its children see.
#include "e2e/watch_lab.hpp"

namespace mirrord::test {
namespace {

class WatchLost : public WatchLab {
 protected:
  /// Nothing is deleted while the source is lost, whatever is asked for.
  void nothing_is_deleted(const std::vector<Tree>& before) {
    ASSERT_TRUE(becomes("web", "source-missing", kPatience));
    EXPECT_NE("", problem());
    ASSERT_TRUE(full_sync_and_witness());
    ASSERT_TRUE(copies_are(before));
  }

  void is_back() {
    ASSERT_TRUE(becomes("web", "watching", kPatience));
    ASSERT_TRUE(equal("it is back"));
    write_file(source / "after/deep/file", "after\n");
    write_file(images / "after.png", "after\n");
    ASSERT_TRUE(equal("changes in it"));
  }
};

TEST_F(WatchLost, Removed) {
  run_ok({"cp", "-a", source, dir / "backup"});
  // What is seen to be deleted is deleted; here it is over before that is due.
  begin("delay = \"1s\"\nmax_delay = \"20s\"\n");
  ASSERT_TRUE(both_become("idle"));
  const auto before = copies();
  fs::remove_all(source);
  nothing_is_deleted(before);
  run_ok({"cp", "-a", dir / "backup", source});
  fs::remove(source / "index.html");
  is_back();
}

TEST_F(WatchLost, ItsParentsRenamedAway) {
  begin();
  ASSERT_TRUE(both_become("idle"));
  const auto before = copies();
  for (const fs::path& parent : {dir / "org/webmgr", dir / "org"}) {
    const fs::path away = parent.native() + ".away";
    fs::rename(parent, away);
    ASSERT_TRUE(becomes("web", "source-missing", kPatience));
    ASSERT_TRUE(full_sync_and_witness());
    // Below org are the images too, whose copies are as safe as the rest.
    ASSERT_TRUE(copies_are(before));
    fs::create_directories(parent / "something/else");
    ASSERT_TRUE(witness());
    ASSERT_TRUE(copies_are(before));
    fs::remove_all(parent);
    fs::rename(away, parent);
    ASSERT_TRUE(becomes("web", "watching", kPatience));
  }
  fs::remove(source / "news/today.html");
  is_back();
}

TEST_F(WatchLost, ItsLinkDangles) {
  fs::create_directory_symlink("webmgr/contents", dir / "org/current");
  source = dir / "org/current";
  begin();
  ASSERT_TRUE(both_become("idle"));
  const auto before = copies();
  point_link(source, "webmgr/nowhere");
  nothing_is_deleted(before);
  fs::remove(source);
  ASSERT_TRUE(full_sync_and_witness());
  ASSERT_TRUE(copies_are(before));
  fs::create_directory_symlink("webmgr/contents", source);
  is_back();
}

TEST_F(WatchLost, ReplacedByAFile) {
  begin();
  ASSERT_TRUE(both_become("idle"));
  const auto before = copies();
  fs::rename(source, source.native() + ".away");
  write_file(source, "no directory\n");
  nothing_is_deleted(before);
  fs::remove(source);
  fs::rename(source.native() + ".away", source);
  is_back();
}

TEST_F(WatchLost, ReplacedByAnEmptyDirectory) {
  begin();
  ASSERT_TRUE(both_become("idle"));
  const auto files = [&](const std::string& target) {
    return fs::exists(copy(target) / "index.html") &&
           fs::exists(copy(target) / "images/logo.png") &&
           fs::exists(copy(target) / "news/today.html") &&
           fs::exists(copy(target) / "cgi-bins/counter.cgi");
  };
  fs::rename(source, source.native() + ".away");
  fs::create_directory(source);
  ASSERT_TRUE(full_sync_and_witness());
  for (const auto& target : both) EXPECT_TRUE(files(target)) << target;
  client().call(manager_object(), "Reload", "");
  ASSERT_TRUE(full_sync_and_witness());
  for (const auto& target : both) EXPECT_TRUE(files(target)) << target;
  fs::remove(source);
  fs::rename(source.native() + ".away", source);
  is_back();
}

TEST_F(WatchLost, ItsLinkRePointedToAnEmptyDirectory) {
  fs::create_directory_symlink("webmgr/contents", dir / "org/current");
  fs::create_directory(dir / "org/empty");
  source = dir / "org/current";
  begin();
  ASSERT_TRUE(both_become("idle"));
  point_link(source, "empty");
  ASSERT_TRUE(full_sync_and_witness());
  for (const auto& target : both)
    for (const auto* path : {"index.html", "images/logo.png", "news/today.html"})
      EXPECT_TRUE(fs::exists(copy(target) / path)) << target << ' ' << path;
  point_link(source, "webmgr/contents");
  is_back();
}

/// A transfer that waits in the source keeps its file system from being unmounted.
const std::string kNothingPinsIt = "standby = false\n";

class WatchMounts : public WatchLost {
 protected:
  void SetUp() override {
    if (!own_mounts()) GTEST_SKIP() << "a mount namespace is not allowed here";
    WatchLost::SetUp();
  }

  void fill(const fs::path& tree) {
    write_file(tree / "index.html", "on a file system of its own\n");
    write_file(tree / "sub/deep/file", "deep\n");
    fs::create_directory_symlink(images, tree / "images");
  }

  /// Copies of these stay, whatever is asked for, and changes elsewhere arrive.
  void keeps(const std::vector<std::string>& paths, const std::vector<std::string>& lost) {
    append_file(source / "index.html", "a change beside it\n");
    ASSERT_TRUE(equal_outside("a change beside it", lost));
    ASSERT_TRUE(full_sync_and_witness());
    append_file(source / "news/today.html", "another change\n");
    ASSERT_TRUE(equal_outside("another change beside it", lost));
    for (const auto& target : both)
      for (const auto& path : paths) EXPECT_TRUE(fs::exists(copy(target) / path)) << target << path;
  }
};

TEST_F(WatchMounts, ASourceThatIsUnmountedAndMountedEmpty) {
  source = dir / "mounted";
  mount_tmpfs(source);
  fill(source);
  run_ok({"cp", "-a", source, dir / "backup"});
  begin(kNothingPinsIt);
  ASSERT_TRUE(both_become("idle"));
  const auto before = copies();
  unmount(source);
  nothing_is_deleted(before);
  write_file(images / "meanwhile.png", "made meanwhile\n");
  mount_tmpfs(source);
  ASSERT_TRUE(full_sync_and_witness());
  for (const auto& target : both) EXPECT_TRUE(fs::exists(copy(target) / "sub/deep/file")) << target;
  run_ok({"cp", "-a", (dir / "backup").native() + "/.", source});
  is_back();
}

TEST_F(WatchMounts, ASourceBelowAMountThatIsBoundElsewhere) {
  // The file system goes on elsewhere, so that no watch ends with it.
  fill(dir / "volume/site");
  bind(dir / "volume", dir / "mounted");
  fs::create_directories(dir / "mounted/site");
  source = dir / "mounted/site";
  begin(kNothingPinsIt);
  ASSERT_TRUE(both_become("idle"));
  const auto before = copies();
  unmount(dir / "mounted");
  nothing_is_deleted(before);
  fs::create_directories(source);  // a mount point that has been prepared for its directories
  ASSERT_TRUE(full_sync_and_witness());
  ASSERT_TRUE(copies_are(before));
  write_file(dir / "volume/site/meanwhile", "made where it is still seen\n");
  fs::remove(dir / "volume/site/index.html");
  bind(dir / "volume", dir / "mounted");
  is_back();
}

TEST_F(WatchMounts, AMountOverTheSource) {
  source = dir / "mounted";
  fill(source);
  begin(kNothingPinsIt);
  ASSERT_TRUE(both_become("idle"));
  mount_tmpfs(source);
  ASSERT_TRUE(full_sync_and_witness());
  for (const auto& target : both)
    EXPECT_TRUE(fs::exists(copy(target) / "sub/deep/file")) << "an empty mount empties nothing";
  write_file(source / "on-the-mount", "a file\n");
  for (const auto& target : both) ASSERT_TRUE(holds(copy(target) / "on-the-mount", "a file\n"));
  ASSERT_TRUE(both_become("held"));
  unmount(source);
  is_back();  // it is the directory that it was
}

TEST_F(WatchMounts, AMountOverTheSourceAndWhatItLinksTo) {
  const fs::path volume = dir / "volume";
  source = volume / "site";
  fill(source);
  write_file(volume / "linked/file", "behind a link\n");
  fs::create_directory_symlink(volume / "linked", source / "linked");
  begin(kNothingPinsIt);
  ASSERT_TRUE(both_become("idle"));
  mount_tmpfs(volume);
  write_file(volume / "linked/other", "on the mount\n");
  write_file(source / "on-the-mount", "a file\n");
  for (const auto& target : both) ASSERT_TRUE(holds(copy(target) / "on-the-mount", "a file\n"));
  unmount(volume);
  is_back();
  write_file(volume / "linked/later", "behind the link\n");
  ASSERT_TRUE(equal("a change behind the link"));
}

TEST_F(WatchMounts, AnEmptyMountOverTheSource) {
  source = dir / "mounted";
  fill(source);
  begin(kNothingPinsIt);
  ASSERT_TRUE(both_become("idle"));
  const auto before = copies();
  mount_tmpfs(source);
  nothing_is_deleted(before);
  unmount(source);
  is_back();
}

TEST_F(WatchMounts, AMountOverTheSourceThatWasEmptiedBelow) {
  const fs::path volume = dir / "volume";
  source = volume / "mounted";
  fill(source);
  begin(kNothingPinsIt);
  ASSERT_TRUE(both_become("idle"));
  bind(volume, dir / "elsewhere");
  mount_tmpfs(source);
  write_file(source / "on-the-mount", "a file\n");
  for (const auto& target : both) ASSERT_TRUE(holds(copy(target) / "on-the-mount", "a file\n"));
  for (const auto& entry : fs::directory_iterator(dir / "elsewhere/mounted")) fs::remove_all(entry);
  unmount(source);
  ASSERT_TRUE(becomes("web", "source-missing", kPatience)) << "nobody saw what it held deleted";
  for (const auto& target : both) EXPECT_TRUE(fs::exists(copy(target) / "sub/deep/file")) << target;
}

TEST_F(WatchMounts, AMountBelowTheSourceIsUnmounted) {
  mount_tmpfs(source / "data");
  write_file(source / "data/one/file", "on a file system of its own\n");
  write_file(source / "data/two", "on a file system of its own\n");
  run_ok({"cp", "-a", source / "data", dir / "backup"});
  begin();
  ASSERT_TRUE(both_become("idle"));
  unmount(source / "data");
  keeps({"data/one/file", "data/two"}, {"data"});
  mount_tmpfs(source / "data");
  ASSERT_TRUE(witness());
  keeps({"data/one/file", "data/two"}, {"data"});  // empty so far
  run_ok({"cp", "-a", (dir / "backup").native() + "/.", source / "data"});
  fs::remove(source / "data/two");
  ASSERT_TRUE(equal_outside("filled again", {"data"}));
  write_file(source / "data/one/after", "after\n");
  ASSERT_TRUE(holds(copy("tgt2") / "data/one/after", "after\n"));
  is_back();
}

TEST_F(WatchMounts, AnEmptyMountOverADirectoryThatWasNone) {
  write_file(source / "data/one/file", "below the mount point\n");
  fs::create_directory_symlink(dir / "linked", source / "linked");
  write_file(dir / "linked/two", "behind a link\n");
  begin();
  ASSERT_TRUE(both_become("idle"));
  mount_tmpfs(source / "data");
  mount_tmpfs(dir / "linked");
  keeps({"data/one/file", "linked/two"}, {"data", "linked"});
  write_file(source / "data/three/file", "no longer empty\n");
  write_file(dir / "linked/four", "no longer empty\n");
  is_back();
}

TEST_F(WatchMounts, AMountIsReplacedAtOnce) {
  mount_tmpfs(source / "data");
  write_file(source / "data/one/file", "on the first\n");
  begin();
  ASSERT_TRUE(both_become("idle"));
  unmount(source / "data");
  mount_tmpfs(source / "data");
  keeps({"data/one/file"}, {"data"});
  write_file(source / "data/two/file", "on the second\n");
  is_back();
}

TEST_F(WatchMounts, AMountBelowTheSourceThatIsBoundElsewhere) {
  write_file(dir / "volume/one/file", "on the volume\n");
  write_file(dir / "volume/two", "on the volume\n");
  bind(dir / "volume", source / "data");
  begin();
  ASSERT_TRUE(both_become("idle"));
  unmount(source / "data");
  ASSERT_TRUE(witness());
  keeps({"data/one/file", "data/two"}, {"data"});
  write_file(dir / "volume/meanwhile", "made where it is still seen\n");
  bind(dir / "volume", source / "data");
  is_back();
}

TEST_F(WatchMounts, AMountThatIsMissingAtTheStart) {
  mount_tmpfs(source / "data");
  write_file(source / "data/one/file", "on a file system of its own\n");
  mount_tmpfs(dir / "mounted");
  write_file(dir / "mounted/tree/file", "on another\n");
  fs::create_directory_symlink(dir / "mounted/tree", source / "tree");
  begin(kNothingPinsIt);
  ASSERT_TRUE(both_become("idle"));
  stop();
  unmount(source / "data");
  unmount(dir / "mounted");
  for (const char* when : {"at once", "and after one more start"}) {
    SCOPED_TRACE(when);
    start();
    ASSERT_TRUE(both_become("idle"));
    keeps({"data/one/file", "tree/file"}, {"data", "tree"});
    stop();
  }
  start();
  mount_tmpfs(source / "data");
  write_file(source / "data/two", "on a new one\n");
  mount_tmpfs(dir / "mounted");
  write_file(dir / "mounted/tree/two", "on a new one\n");
  is_back();
}

TEST_F(WatchMounts, AMountInAMountThatIsMissing) {
  mount_tmpfs(source / "data");
  write_file(source / "data/two", "on a file system of its own\n");
  mount_tmpfs(source / "data/deeper");
  write_file(source / "data/deeper/file", "on another\n");
  begin(kNothingPinsIt);
  ASSERT_TRUE(both_become("idle"));
  stop();
  unmount(source / "data/deeper");
  unmount(source / "data");
  start();
  ASSERT_TRUE(both_become("idle"));
  keeps({"data/deeper/file", "data/two"}, {"data"});
  stop();
  mount_tmpfs(source / "data");
  write_file(source / "data/two", "the first is back\n");
  fs::create_directory(source / "data/deeper");
  start();
  ASSERT_TRUE(both_become("idle"));
  keeps({"data/deeper/file"}, {"data"});
  mount_tmpfs(source / "data/deeper");
  write_file(source / "data/deeper/other", "so is the other\n");
  is_back();
}

TEST_F(WatchMounts, AMountThatALinkCameToLeadBehind) {
  begin(kNothingPinsIt);
  mount_tmpfs(dir / "mounted");
  write_file(dir / "mounted/tree/file", "on a file system of its own\n");
  fs::create_directory_symlink(dir / "mounted/tree", source / "tree");
  ASSERT_TRUE(equal("a new link"));
  stop();
  unmount(dir / "mounted");
  start();
  ASSERT_TRUE(both_become("idle"));
  keeps({"tree/file"}, {"tree"});
}

TEST_F(WatchMounts, AMountPointThatIsDeletedIsAnOrdinaryName) {
  mount_tmpfs(source / "data");
  write_file(source / "data/file", "on a file system of its own\n");
  begin(kNothingPinsIt);
  ASSERT_TRUE(both_become("idle"));
  unmount(source / "data");
  ASSERT_TRUE(witness());
  fs::remove(source / "data");
  ASSERT_TRUE(equal("deleted"));
  write_file(source / "data/plain", "in a directory of that name\n");
  is_back();
  stop();
  start();
  is_back();
}

TEST_F(WatchMounts, AMountThatIsForgottenIsGone) {
  mount_tmpfs(source / "data");
  write_file(source / "data/one/file", "on a file system of its own\n");
  begin(kNothingPinsIt);
  ASSERT_TRUE(both_become("idle"));
  stop();
  unmount(source / "data");
  fs::remove(dir / "state/mounts");
  start();
  ASSERT_TRUE(equal("as it is without"));
}

TEST_F(WatchMounts, AMountBehindALinkIsUnmounted) {
  mount_tmpfs(dir / "mounted");
  write_file(dir / "mounted/tree/sub/file", "on a file system of its own\n");
  write_file(dir / "mounted/file", "on a file system of its own\n");
  run_ok({"cp", "-a", dir / "mounted", dir / "backup"});
  fs::create_directory_symlink(dir / "mounted/tree", source / "tree");
  fs::create_directory_symlink(dir / "mounted", source / "all");
  fs::create_symlink(dir / "mounted/file", source / "file");
  begin();
  ASSERT_TRUE(both_become("idle"));
  unmount(dir / "mounted");
  keeps({"tree/sub/file", "all/tree/sub/file", "file"}, {"tree", "all", "file"});
  mount_tmpfs(dir / "mounted");
  ASSERT_TRUE(witness());
  keeps({"tree/sub/file", "all/tree/sub/file", "file"}, {"tree", "all", "file"});  // empty so far
  run_ok({"cp", "-a", (dir / "backup").native() + "/.", dir / "mounted"});
  append_file(dir / "mounted/tree/sub/file", "longer\n");
  is_back();
}

TEST_F(WatchMounts, AMountBehindALinkThatIsBoundElsewhere) {
  write_file(dir / "volume/tree/sub/file", "on the volume\n");
  write_file(dir / "volume/file", "on the volume\n");
  bind(dir / "volume", dir / "mounted");
  fs::create_directory_symlink(dir / "mounted/tree", source / "tree");
  fs::create_directory_symlink(dir / "mounted", source / "all");
  fs::create_symlink(dir / "mounted/file", source / "file");
  begin();
  ASSERT_TRUE(both_become("idle"));
  unmount(dir / "mounted");
  ASSERT_TRUE(witness());
  keeps({"tree/sub/file", "all/tree/sub/file", "file"}, {"tree", "all", "file"});
  bind(dir / "volume", dir / "mounted");
  append_file(dir / "volume/tree/sub/file", "longer\n");
  is_back();
}

TEST_F(WatchMounts, AMountAtTheEndOfALinkThatIsBoundElsewhere) {
  // Below the mount is an empty directory, so that the link does not dangle.
  write_file(dir / "volume/tree/sub/file", "on the volume\n");
  bind(dir / "volume", dir / "mounted");
  fs::create_directory_symlink(dir / "mounted", source / "all");
  begin();
  ASSERT_TRUE(both_become("idle"));
  unmount(dir / "mounted");
  ASSERT_TRUE(witness());
  keeps({"all/tree/sub/file"}, {"all"});
  bind(dir / "volume", dir / "mounted");
  append_file(dir / "volume/tree/sub/file", "longer\n");
  is_back();
}

TEST_F(WatchMounts, AMountAppearsBelowTheSource) {
  write_file(source / "data/on-the-disk", "below the mount point\n");
  write_file(dir / "volume/one/file", "on the volume\n");
  begin();
  bind(dir / "volume", source / "data");
  ASSERT_TRUE(equal("mounted"));
  write_file(dir / "volume/one/new", "new\n");
  ASSERT_TRUE(equal("a write by its other path"));
  write_file(source / "data/two/new", "new\n");
  ASSERT_TRUE(equal("a write by this one"));
}

}  // namespace
}  // namespace mirrord::test
