// Keys of a group that change when or what is sent, and the forms a target can have.
#include <signal.h>

#include <fstream>

#include "e2e/lab.hpp"

namespace mirrord::test {
namespace {

class Settings : public Lab {
 protected:
  void SetUp() override {
    Lab::SetUp();
    if (!IsSkipped()) make_story();
  }

  void begin(const std::string& settings) {
    configure({.targets = {local_target("copy")}, .settings = settings});
    start();
    ASSERT_TRUE(arrives("first sync", {"copy"}));
  }
};

TEST_F(Settings, SyncOnCloseWaitsForTheClose) {
  write_file(images / "log", "first\n");
  begin("");
  std::ofstream log(images / "log", std::ios::app);
  log << "second\n" << std::flush;
  write_file(images / "marker", "written after the log\n");
  ASSERT_TRUE(holds(copy("copy") / "images/marker", "written after the log\n"));
  EXPECT_EQ("first\n", read_file(copy("copy") / "images/log"));
  log.close();
  ASSERT_TRUE(arrives("after the close", {"copy"}));
}

// As Samba and vsftpd do it: the attributes first, and then the contents.
TEST_F(Settings, AttributesOfANewFileWaitForItsContents) {
  begin("max_delay = \"10min\"\n");
  std::ofstream upload(images / "upload");
  upload << "the first half\n" << std::flush;
  change_mode(images / "upload", 0640);
  write_file(images / "marker", "written after the upload\n");
  ASSERT_TRUE(holds(copy("copy") / "images/marker", "written after the upload\n"));
  EXPECT_FALSE(fs::exists(copy("copy") / "images/upload"));
  upload << "the second half\n";
  upload.close();
  ASSERT_TRUE(arrives("after the close", {"copy"}));
}

TEST_F(Settings, AttributesOfAnOpenLogWaitForNothing) {
  write_file(images / "log", "first\n");
  begin("max_delay = \"10min\"\n");
  std::ofstream log(images / "log", std::ios::app);
  log << "second\n" << std::flush;
  change_mode(images / "log", 0600);
  ASSERT_TRUE(arrives("the mode of a file that stays open", {"copy"}));
}

// As git writes its objects: the name that stays was never opened, and so is never closed.
TEST_F(Settings, WhatIsLinkedAndUnlinkedWaitsForNoClose) {
  begin("max_delay = \"10min\"\n");
  daemon->signal(SIGSTOP);
  write_file(images / "tmp_obj", "object\n");
  fs::create_hard_link(images / "tmp_obj", images / "object");
  fs::remove(images / "tmp_obj");
  daemon->signal(SIGCONT);
  ASSERT_TRUE(arrives("the object", {"copy"}));
}

TEST_F(Settings, SyncOnModifySendsWhileTheFileIsOpen) {
  begin("sync_on = \"modify\"\n");
  std::ofstream log(images / "log");
  log << "first\n" << std::flush;
  ASSERT_TRUE(arrives("a new file, still open", {"copy"}));
  log << "second\n" << std::flush;
  ASSERT_TRUE(arrives("written again, still open", {"copy"}));
}

TEST_F(Settings, ChangesWithoutAPauseAreSentAfterMaxDelay) {
  begin("delay = \"1s\"\nmax_delay = \"2s\"\n");
  int written = 0;
  const fs::path copied = copy("copy") / "images/busy";
  EXPECT_TRUE(wait_until([&] {
    write_file(images / "busy", std::to_string(++written) + "\n");
    return fs::exists(copied);
  }));
  ASSERT_TRUE(arrives("and the last one too", {"copy"}));
}

TEST_F(Settings, NoDelayAtAll) {
  begin("delay = \"0s\"\n");
  for (int i = 0; i < 10; ++i) {
    write_file(images / "file", std::to_string(i));
    ASSERT_TRUE(arrives("write " + std::to_string(i), {"copy"}));
  }
}

TEST_F(Settings, WithoutCompression) {
  configure({.targets = {ssh_target("tgt1")},
             .settings = "rsync = { compress = false, timeout = \"10s\" }\n"});
  start();
  ASSERT_TRUE(arrives("first sync", {"tgt1"}));
  write_file(images / "new.png", std::string(100'000, 'x'));
  ASSERT_TRUE(arrives("a change", {"tgt1"}));
}

TEST_F(Settings, TargetsAsPlainStrings) {
  const SshServer& host = server("tgt1");
  configure({.targets = {'"' + copy("copy").native() + '"',
                         "\"" + login() + "@127.0.0.1:" + copy("tgt1").native() + '"'},
             .settings = "ssh = { port = " + std::to_string(host.port()) + ", identity_file = \"" +
                         host.identity_file().native() + "\", known_hosts_file = \"" +
                         host.known_hosts_file().native() + "\", connect_timeout = \"5s\" }\n"});
  start();
  ASSERT_TRUE(arrives("first sync", {"copy", "tgt1"}));
  write_file(images / "new.png", "new\n");
  ASSERT_TRUE(arrives("a change", {"copy", "tgt1"}));
  EXPECT_EQ("127.0.0.1", client().text(target_object("web", "127.0.0.1"), "Name"));
  EXPECT_EQ(copy("copy"), client().text(target_object("web", copy("copy")), "Destination"));
}

TEST_F(Settings, OddBytesInTheSourcesOwnPath) {
  const fs::path odd = dir / "org/odd ]*[ #name";
  write_file(odd / "file", "file\n");
  source = odd;
  begin("");
  write_file(odd / "new", "new\n");
  fs::remove(odd / "file");
  ASSERT_TRUE(arrives("a change", {"copy"}));
}

TEST_F(Settings, GroupsWithOneSourceAreIndependent) {
  configure({.targets = {local_target("copy")}});
  configure({.targets = {local_target("links")},
             .settings = "symlinks = \"preserve\"\n",
             .name = "second"});
  start();
  ASSERT_TRUE(arrives("first sync, followed", {"copy"}));
  ASSERT_TRUE(arrives("first sync, preserved", {"links"}, {.links = Links::preserve}));
  write_file(source / "new", "new\n");
  write_file(images / "new.png", "new\n");
  ASSERT_TRUE(arrives("a change, followed", {"copy"}));
  ASSERT_TRUE(arrives("a change, preserved", {"links"}, {.links = Links::preserve}));
  EXPECT_FALSE(fs::exists(copy("links") / "images/new.png"));
}

TEST_F(Settings, SourcesOfGroupsMayOverlap) {
  configure({.targets = {local_target("copy")}});
  configure({.targets = {local_target("pictures")}, .name = "pictures", .source = images});
  start();
  ASSERT_TRUE(arrives("first sync", {"copy"}));
  write_file(images / "new.png", "new\n");
  ASSERT_TRUE(arrives("a change", {"copy"}));
  EXPECT_TRUE(eventually_equal(images, {copy("pictures")}).equal);
}

}  // namespace
}  // namespace mirrord::test
