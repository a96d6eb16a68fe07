// The verb as it is typed: what stands on which output, and the exit status.
#include <gtest/gtest.h>

#include "support/files.hpp"
#include "support/mirrord.hpp"

namespace mirrord::test {
namespace {

class ImportLsyncd : public testing::Test {
 protected:
  Finished import(const std::string& program) {
    write_file(file, program);
    return run_mirrorctl({"import-lsyncd", file});
  }

  TempDir dir;
  const std::string file = (dir / "lsyncd.conf.lua").native();
};

TEST_F(ImportLsyncd, PrintsAFileThatCheckAccepts) {
  const Finished result = import(
      "settings { logfile = '/var/log/lsyncd.log' }\n"
      "sync { default.rsync, source = '/usr', target = 'host:/usr', delay = 1 }\n");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.err, "");
  write_file(dir / "conf/imported.toml", result.out);
  change_mode(dir / "conf", 0755);
  const Finished check = run_mirrorctl({"check", "--config-dir", (dir / "conf").native()});
  EXPECT_EQ(check.status, 0) << check.err << result.out;
}

TEST_F(ImportLsyncd, NamesWhatCheckWouldRefuse) {
  const Finished result = import(
      "sync { default.rsync, source = '/usr', target = 'host:/usr',\n"
      "  rsync = { archive = true, binary = 'bin/rsync' } }\n");
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.err.find(file + ":1: mirrord refuses what came of it: key 'program'"), 0u)
      << result.err;
  EXPECT_NE(result.out.find("# NOT CARRIED OVER: line 1: mirrord refuses"), std::string::npos);
}

TEST_F(ImportLsyncd, PutsTheUserIntoEveryGroup) {
  write_file(file,
             "sync { default.rsync, source = '/usr', target = 'host:/usr' }\n"
             "sync { default.rsync, source = '/etc', target = 'host:/etc' }\n");
  const Finished result = run_mirrorctl({"import-lsyncd", "--user", "web\"mgr", file});
  const std::string line = "\nuser = \"web\\\"mgr\"\n";
  const size_t first = result.out.find(line);
  ASSERT_NE(first, std::string::npos) << result.out << result.err;
  EXPECT_NE(result.out.find(line, first + 1), std::string::npos) << result.out;
}

TEST_F(ImportLsyncd, RefusesAUserThatNobodyCanBe) {
  write_file(file, "sync { default.rsync, source = '/usr', target = 'host:/usr' }\n");
  for (const std::string user : {"", "web\xffmgr"}) {
    const Finished result = run_mirrorctl({"import-lsyncd", "--user", user, file});
    EXPECT_EQ(result.status, 2) << result.err;
    EXPECT_NE(result.err.find("--user"), std::string::npos) << result.err;
    EXPECT_EQ(result.out, "");
  }
}

TEST_F(ImportLsyncd, NamesLossesByLineOnStandardErrorAndFails) {
  const Finished result =
      import("sync { default.rsync, source = '/usr', target = 'host:/usr',\n  tunnel = {} }\n");
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.err.find(file + ":2: 'tunnel' opened a tunnel"), 0u) << result.err;
  EXPECT_NE(result.out.find("# NOT CARRIED OVER: line 2: 'tunnel'"), std::string::npos);
  EXPECT_NE(result.out.find("source = \"/usr\""), std::string::npos) << "the rest is still there";
}

TEST_F(ImportLsyncd, NeedsAFile) {
  EXPECT_EQ(run_mirrorctl({"import-lsyncd"}).status, 2);
  EXPECT_EQ(run_mirrorctl({"import-lsyncd", "-H", "host", file}).status, 2);
  const Finished missing = run_mirrorctl({"import-lsyncd", (dir / "missing").native()});
  EXPECT_EQ(missing.status, 1);
  EXPECT_NE(missing.err.find("no such file"), std::string::npos) << missing.err;
  EXPECT_EQ(run_mirrorctl({"import-lsyncd", "/dev/zero"}).status, 1);
}

TEST_F(ImportLsyncd, EndsAPatternThatDoesNotEnd) {
  const Finished result = import("return (('a'):rep(300000)):find('.-.-.-.-b')");
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.err, "the configuration does not come to an end\n");
}

}  // namespace
}  // namespace mirrord::test
