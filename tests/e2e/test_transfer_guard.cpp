// The deletion guard: what a comparison wants to delete, and who may let it.
#include <signal.h>

#include "e2e/transfer_lab.hpp"
#include "io/file_system.hpp"

namespace mirrord::test {
namespace {

class TransferGuard : public TransferLab {
 protected:
  /// What a destination that was mistyped may hold.
  void put_foreign(const std::string& target, int files) const {
    for (int i = 0; i < files; ++i)
      write_file(copy(target) / "foreign" / std::to_string(i), "somebody else's\n");
    write_file(copy(target) / "images/theirs.png", "theirs, in a directory of our name\n");
    write_file(copy(target) / "images/foreign/theirs", "theirs, too\n");
    write_file(copy(target) / "theirs", "theirs\n");
  }
  bool foreign_is_untouched(const std::string& target, int files) const {
    for (int i = 0; i < files; ++i)
      if (!fs::exists(copy(target) / "foreign" / std::to_string(i))) return false;
    for (const auto* file : {"theirs", "images/theirs.png", "images/foreign/theirs"})
      if (!fs::exists(copy(target) / file)) return false;
    return true;
  }

  /// Held from the start; all that is seen goes on, and nothing foreign is touched.
  void goes_on_while_held(bool deletes_by_name) {
    ASSERT_TRUE(target_becomes("copy", "held"));
    EXPECT_TRUE(error_names("copy", "--approve-deletes web/copy"));
    EXPECT_TRUE(holds(copy("copy") / "images/logo.png", "a logo\n"));
    write_file(images / "new.png", "new\n");
    EXPECT_TRUE(holds(copy("copy") / "images/new.png", "new\n"));
    fs::remove(images / "new.png");
    fs::remove(source / "index.html");
    // A moved directory is compared as a whole.
    write_file(dir / "org/elsewhere/inner", "moved in\n");
    fs::rename(dir / "org/elsewhere", images / "foreign");
    EXPECT_TRUE(holds(copy("copy") / "images/foreign/inner", "moved in\n"));
    const auto deleted = [&] {
      return !fs::exists(copy("copy") / "images/new.png") &&
             !fs::exists(copy("copy") / "index.html");
    };
    EXPECT_TRUE(!deletes_by_name || wait_until(deleted));
    EXPECT_TRUE(wait_until([&] { return number("copy", "Pending") == 0; }));
    EXPECT_EQ("held", target_state("copy"));
    EXPECT_TRUE(foreign_is_untouched("copy", 30));
  }
  void is_released() {
    EXPECT_EQ(1, mirrorctl({"sync", "--full", "--wait", "web"}).status);
    EXPECT_TRUE(foreign_is_untouched("copy", 30));
    const Finished approved = mirrorctl({"sync", "--full", "--wait", "--approve-deletes", "web"});
    EXPECT_EQ(0, approved.status) << approved.err;
    EXPECT_TRUE(arrives("after the approval", {"copy"}));
    EXPECT_EQ("", last_error("copy"));
  }
};

/// rsync deletes nothing after what it could not list.
TEST_F(TransferGuard, DeletesAlsoWhereALinkCameToDangleMeanwhile) {
  for (const char* directory : {"aaa", "zzz"}) write_file(source / directory / "file", "ours\n");
  write_file(copy("copy") / "zzz/left", "of long ago\n");
  configure({.targets = {local_target("copy")},
             .settings = kAtOnce + std::string("max_delete = \"off\"\n") + noting_rsync(R"(
if [[ $* == *--delete* && $* != *--files-from=* ]] && mkdir @HERE@/once 2>/dev/null; then
  ln -s nowhere @HERE@/org/webmgr/contents/aaa/link
fi)")});
  start();
  EXPECT_TRUE(wait_until([&] { return !fs::exists(copy("copy") / "zzz/left"); }));
  EXPECT_TRUE(fs::exists(dir / "once"));
  EXPECT_TRUE(arrives("the rest", {"copy"}));
}

TEST_F(TransferGuard, AMistypedDestinationIsHeld) {
  put_foreign("copy", 30);
  configure({.targets = {local_target("copy")}});
  start();
  goes_on_while_held(true);
  is_released();
}

TEST_F(TransferGuard, OfWhatIsNoDirectoryAnyMoreNothingIsToBeCompared) {
  const auto moved_in = {"file", "gone", "stays"};
  for (const char* directory : moved_in) write_file(source / directory / "old", "old\n");
  put_foreign("copy", 30);
  configure({.targets = {local_target("copy")}, .settings = "delay = \"1s\"\n"});
  start();
  ASSERT_TRUE(target_becomes("copy", "held"));
  for (const char* directory : moved_in) {
    fs::remove_all(source / directory);
    fs::create_directory(dir / "org/moved");
    fs::rename(dir / "org/moved", source / directory);
  }
  ASSERT_TRUE(wait_until([&] { return number("copy", "Pending") >= 3; }));
  for (const char* directory : {"file", "gone"}) fs::remove(source / directory);
  write_file(source / "file", "new\n");
  EXPECT_TRUE(holds(copy("copy") / "file", "new\n"));
  EXPECT_TRUE(wait_until([&] { return !fs::exists(copy("copy") / "gone"); }));
  EXPECT_TRUE(wait_until([&] { return number("copy", "Pending") == 0; }));
  EXPECT_EQ("held", target_state("copy"));
  EXPECT_TRUE(fs::exists(copy("copy") / "stays/old")) << "a matter for the guard";
  EXPECT_TRUE(foreign_is_untouched("copy", 30));
}

// It can delete only by comparing the directory, and that would be all the rest of it, too.
TEST_F(TransferGuard, AMistypedDestinationIsHeldFromAnOldRsync) {
  put_foreign("copy", 30);
  configure({.targets = {local_target("copy")}, .settings = noting_rsync(R"(
if [[ $1 == --version ]]; then
  echo 'rsync  version 3.0.9  protocol version 30'
  exit
fi)")});
  start();
  goes_on_while_held(false);
  is_released();
}

TEST_F(TransferGuard, AnEmptySourceDeletesNothingUnasked) {
  fs::create_directory(dir / "empty");
  source = dir / "empty";
  write_file(copy("copy") / "kept", "the last copy\n");
  configure({.targets = {local_target("copy")}, .settings = "max_delete = \"off\"\n"});
  start();
  ASSERT_TRUE(target_becomes("copy", "held"));
  EXPECT_TRUE(fs::exists(copy("copy") / "kept"));
  EXPECT_EQ(0, mirrorctl({"sync", "--full", "--wait", "--approve-deletes", "web"}).status);
  EXPECT_FALSE(fs::exists(copy("copy") / "kept"));
}

TEST_F(TransferGuard, TheLimitIsANumberAShareOrOff) {
  const struct {
    const char* name;
    const char* limit;
    bool held;
  } cases[] = {{"two", "2", true},         {"three", "3", false},      {"none", "0", true},
               {"little", "\"1%\"", true}, {"half", "\"50%\"", false}, {"off", "\"off\"", false}};
  // 3 of the 11 entries of the copy are too much.
  for (const auto& [name, limit, held] : cases) {
    run_ok({"rsync", "-aL", source.native() + "/", copy(name)});
    for (const auto* file : {"x", "y", "z"}) write_file(copy(name) / file, "too much\n");
    configure({.targets = {local_target(name)},
               .settings = "max_delete = " + std::string(limit) + "\n",
               .name = name});
  }
  start();
  for (const auto& [name, limit, held] : cases) {
    const BusObject target = target_object(name, name);
    const std::string wanted = held ? "held" : "idle";
    EXPECT_TRUE(wait_until([&] { return client().text(target, "State") == wanted; })) << name;
    EXPECT_EQ(held, fs::exists(copy(name) / "x")) << name;
    EXPECT_EQ(held, fs::exists(copy(name) / "z")) << name;
  }
}

TEST_F(TransferGuard, AHigherLimitReleases) {
  put_foreign("copy", 30);
  configure({.targets = {local_target("copy")}});
  start();
  ASSERT_TRUE(target_becomes("copy", "held"));
  configure({.targets = {local_target("copy")}, .settings = "max_delete = \"off\"\n"});
  ASSERT_TRUE(signal_reload());
  ASSERT_TRUE(arrives("after the reload", {"copy"}));
}

/// A source of its own, with twenty files that its copy has, too.
class TransferGuardOfSource : public TransferGuard {
 protected:
  void begin_with_twenty(const fs::path& files, const std::string& settings = kAtOnce) {
    for (int i = 0; i < 20; ++i) write_file(files / std::to_string(i), "one of twenty\n");
    configure({.targets = {local_target("copy")}, .settings = settings, .source = own});
    start();
    ASSERT_TRUE(holds(twentieth(files), "one of twenty\n"));
    ASSERT_TRUE(target_becomes("copy", "idle"));
  }
  fs::path twentieth(const fs::path& files) const {
    return copy("copy") / fs::relative(files, own) / "19";
  }
  void expect_held(const fs::path& file) {
    EXPECT_TRUE(target_becomes("copy", "held"));
    EXPECT_TRUE(fs::exists(file));
  }

  /// Another source has little in it, and nothing is deleted unasked.
  void expect_new_one_held() {
    ASSERT_TRUE(holds(copy("copy") / "0", "the only one\n"));
    expect_held(copy("copy") / "19");
  }
  /// All of it has happened when the daemon looks.
  void replace_in_one_look() {
    daemon->signal(SIGSTOP);
    fs::remove_all(own);
    write_file(own / "0", "the only one\n");
    daemon->signal(SIGCONT);
    expect_new_one_held();
  }
  /// Without them a directory that is made again may look like the one before, mirrord(8).
  bool has_file_handles() const { return identity_of(own).value_or(Identity{}).generation != 0; }

  const fs::path own = dir / "own";
};

TEST_F(TransferGuardOfSource, ADirectoryInPlaceOfTheSourceDeletesNothing) {
  begin_with_twenty(own);
  replace_in_one_look();
}

/// What was pending was seen of the one before.
TEST_F(TransferGuardOfSource, NorDoesOneThatComesWithAReload) {
  begin_with_twenty(own);
  ASSERT_EQ(0, mirrorctl({"pause"}).status);
  for (int i = 0; i < 20; ++i) write_file(own / std::to_string(i), "changed\n");
  ASSERT_TRUE(wait_until([&] { return number("copy", "Pending") == 20; }));
  fs::rename(own, dir / "before");
  configure({.targets = {local_target("copy")},
             .settings = kAtOnce + std::string("exclude = [\"*.bak\"]\n"),
             .source = own});
  ASSERT_TRUE(signal_reload());
  write_file(dir / "new/0", "the only one\n");
  fs::rename(dir / "new", own);
  ASSERT_EQ(0, mirrorctl({"resume"}).status);
  expect_new_one_held();
}

TEST_F(TransferGuardOfSource, WhatIsHeldDoesNotGoWithWhatTookItsPlace) {
  begin_with_twenty(own / "d");
  daemon.reset();
  fs::remove_all(own / "d");
  write_file(own / "d", "no directory any more\n");
  start();
  expect_held(copy("copy") / "d/19");
  EXPECT_EQ(0, mirrorctl({"sync"}).status);
  write_file(own / "new", "new\n");
  EXPECT_TRUE(holds(copy("copy") / "new", "new\n"));
  EXPECT_TRUE(fs::exists(copy("copy") / "d/19"));
  EXPECT_EQ(0, mirrorctl({"sync", "--full", "--approve-deletes"}).status);
  EXPECT_TRUE(holds(copy("copy") / "d", "no directory any more\n"));
}

/// Nothing keeps its inode number from being used again: no standby waits in it.
TEST_F(TransferGuardOfSource, NorDoesOneWithTheSameInodeNumber) {
  begin_with_twenty(own, kAtOnce + std::string("standby = false\n"));
  if (!has_file_handles()) GTEST_SKIP() << "the file system has no file handles";
  replace_in_one_look();
}

TEST_F(TransferGuardOfSource, NorDoesOneThatComesAfterAWhile) {
  begin_with_twenty(own, "standby = false\ndelay = \"300ms\"\n");
  if (!has_file_handles()) GTEST_SKIP() << "the file system has no file handles";
  fs::remove_all(own);
  ASSERT_TRUE(group_becomes("source-missing"));
  write_file(own / "0", "the only one\n");
  expect_new_one_held();
}

TEST_F(TransferGuardOfSource, ASourceThatIsSeenToBeRepointedIsNotHeld) {
  const fs::path big = dir / "releases/1", small = dir / "releases/2", none = dir / "releases/3";
  write_file(small / "20", "the next release\n");
  fs::create_directories(none);
  fs::create_directories(big);
  point_link(own, big);
  begin_with_twenty(own);
  point_link(own, small);
  ASSERT_TRUE(wait_until([&] { return !fs::exists(copy("copy") / "19"); }));
  ASSERT_TRUE(holds(copy("copy") / "20", "the next release\n"));
  ASSERT_TRUE(target_becomes("copy", "idle"));
  point_link(own, none);
  expect_held(copy("copy") / "20");
}

TEST_F(TransferGuardOfSource, ALinkThatIsRepointedToAnEmptyDirectoryIsCompared) {
  const fs::path full = dir / "org/full", none = dir / "org/none";
  fs::create_directories(own);
  fs::create_directories(none);
  fs::create_directories(full);
  point_link(own / "link", full);
  begin_with_twenty(own / "link");
  point_link(own / "link", none);
  expect_held(copy("copy") / "link/19");
  EXPECT_EQ(0, mirrorctl({"sync", "--full", "--wait", "--approve-deletes", "web"}).status);
  EXPECT_FALSE(fs::exists(copy("copy") / "link/19"));
}

TEST_F(TransferGuardOfSource, ATargetThatALinkLeadsToIsNoTarget) {
  write_file(own / "file", "here\n");
  point_link(own / "up", dir.path());
  configure({.targets = {local_target("copy")}, .source = own});
  start();
  ASSERT_TRUE(target_becomes("copy", "retrying"));
  EXPECT_TRUE(error_names("copy", "overlaps with"));
  EXPECT_FALSE(fs::exists(copy("copy") / "file"));
  fs::remove(own / "up");
  EXPECT_TRUE(holds(copy("copy") / "file", "here\n"));
}

TEST_F(TransferGuardOfSource, ATargetThatALinkHidesInTheSourceIsNoTarget) {
  write_file(own / "sub/file", "here\n");
  point_link(dir / "way", own / "sub");
  configure({.targets = {local_target("way/copy")}, .source = own});
  start();
  ASSERT_TRUE(target_becomes("way/copy", "retrying"));
  EXPECT_TRUE(error_names("way/copy", "overlaps with the source"));
  EXPECT_FALSE(fs::exists(own / "sub/copy"));
}

TEST_F(TransferGuardOfSource, AnotherFileSystemBelowTheSourceIsCompared) {
  if (!own_mounts()) GTEST_SKIP() << "needs mount(2) in a namespace of its own";
  fs::create_directories(own / "disk");
  mount_tmpfs(own / "disk");
  begin_with_twenty(own / "disk");
  unmount(own / "disk");
  mount_tmpfs(own / "disk");
  write_file(own / "disk/new", "on another disk\n");
  ASSERT_TRUE(holds(copy("copy") / "disk/new", "on another disk\n"));
  expect_held(copy("copy") / "disk/19");
}

}  // namespace
}  // namespace mirrord::test
