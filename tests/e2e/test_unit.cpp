// The unit files, judged by systemd's own checker.
#include "e2e/lab.hpp"

namespace mirrord::test {
namespace {

void replace_all(std::string& text, const std::string& what, const std::string& with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

/// The checker also asks whether the programs exist. They are not installed where the tests run, so
/// it is given a copy of the unit that names the built ones; nothing else is changed.
std::string naming_built_programs(std::string unit) {
  for (const auto* folder : {"/usr/sbin/", "/usr/bin/"}) {
    replace_all(unit, std::string(folder) + "mirrorctl", mirrorctl_program());
    replace_all(unit, std::string(folder) + "mirrord ", mirrord_program() + ' ');
    replace_all(unit, std::string(folder) + "mirrord\n", mirrord_program() + '\n');
  }
  return unit;
}

TEST(Unit, SystemdFindsNothingToSay) {
  if (!find_program("systemd-analyze")) GTEST_SKIP() << "systemd-analyze is not installed";
  const TempDir dir;
  const fs::path unit = dir / "mirrord.service";
  const std::string original = read_file(fs::path(MIRRORD_SOURCE_DIR) / "units/mirrord.service");
  ASSERT_FALSE(original.empty());
  write_file(unit, naming_built_programs(original));
  change_mode(unit, 0644);
  const Finished verified = run({"systemd-analyze", "verify", "--man=no", unit});
  EXPECT_EQ(0, verified.status);
  EXPECT_EQ("", verified.out + verified.err);
}

TEST(Unit, IsWhatTheDaemonExpects) {
  const std::string unit = read_file(fs::path(MIRRORD_SOURCE_DIR) / "units/mirrord.service");
  for (const auto* line :
       {"\nType=notify\n", "\nWatchdogSec=60\n", "\nExecReload=/usr/bin/mirrorctl reload\n"})
    EXPECT_NE(std::string::npos, unit.find(line)) << line;
}

}  // namespace
}  // namespace mirrord::test
