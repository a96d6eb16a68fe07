// What lsyncd's own tests ask for and no other file here does; and a reload while much changes,
// which they never ask for.
#include <signal.h>

#include "e2e/lab.hpp"

namespace mirrord::test {
namespace {

class LsyncdSuite : public Lab {
 protected:
  void SetUp() override {
    Lab::SetUp();
    if (!IsSkipped()) make_story();
  }

  void reload() {
    const size_t before = daemon->notify().count("READY=1");
    daemon->signal(SIGHUP);
    ASSERT_TRUE(wait_until([&] { return daemon->notify().count("READY=1") > before; }));
  }
};

/// l4rsyncdata: nested directories that appear with all that is in them.
TEST_F(LsyncdSuite, NestedTreesAreCopiedWithinTheSource) {
  write_file(source / "d/e/f1", "test\n");
  configure({.targets = {local_target("copy"), ssh_target("tgt1")}});
  start();
  ASSERT_TRUE(arrives("first sync", {"copy", "tgt1"}));
  for (const char* name : {"d1", "d2", "d3", "d4", "d5"})
    run_ok({"cp", "-r", source / "d", source / name});
  ASSERT_TRUE(arrives("five copies", {"copy", "tgt1"}));
  EXPECT_EQ("test\n", read_file(copy("tgt1") / "d5/e/f1"));
}

/// schedule: three groups share a source and the only slot; none starves.
TEST_F(LsyncdSuite, OneSlotServesThreeGroups) {
  put_config("daemon.toml", "[daemon]\nmax_transfers = 1\n");
  for (const char* name : {"a", "b", "c"})
    configure({.targets = {local_target(name)}, .settings = "delay = \"0s\"\n", .name = name});
  start();
  ASSERT_TRUE(arrives("first sync", {"a", "b", "c"}));
  write_file(source / "new", "new\n");
  ASSERT_TRUE(arrives("a change", {"a", "b", "c"}));
}

/// A target comes and goes, the pace changes, a bad file is refused: nothing is lost by it.
TEST_F(LsyncdSuite, ReloadsWhileMuchChanges) {
  configure({.targets = {local_target("copy"), ssh_target("tgt1")}});
  start();
  ASSERT_TRUE(arrives("first sync", {"copy", "tgt1"}));
  Child writer({.arguments = {"bash", "-c",
                              "until [[ -e done ]]; do for ((i = 0; i < 2000; ++i)); do "
                              "echo $RANDOM >contents/images/$i; done; rm contents/images/1*; done"},
                .output = dir / "writer.log",
                .directory = source.parent_path()});
  for (const char* delay : {"0s", "50ms", "200ms"}) {
    const std::string pace = std::string("delay = \"") + delay + "\"\n";
    configure({.targets = {local_target("copy"), ssh_target("tgt1"), local_target("guest")},
               .settings = pace});
    reload();
    put_config("zz-bad.toml", "[groups.bad]\nsource = \"relative\"\ntargets = [\"/x\"]\n");
    reload();
    fs::remove(config_dir() / "zz-bad.toml");
    configure({.targets = {local_target("copy"), ssh_target("tgt1")}, .settings = pace});
    reload();
  }
  EXPECT_TRUE(writer.running()) << read_file(dir / "writer.log");
  write_file(source.parent_path() / "done", "");
  EXPECT_EQ(0, writer.wait());
  ASSERT_TRUE(arrives("all that was written", {"copy", "tgt1"}));
}

}  // namespace
}  // namespace mirrord::test
