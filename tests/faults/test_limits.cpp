// What piles up: a file that is written without an end, an outage; and a key that is taken back.
#include <algorithm>

#include "faults/fault_lab.hpp"

namespace mirrord::test {
namespace {

class FaultLimits : public FaultLab {};

TEST_F(FaultLimits, AHotFileIsOnePath) {
  begin("", "delay = \"0s\"\n");
  ASSERT_TRUE(nothing_is_lost());
  const int64_t before = number("near", "Transfers");
  server("host1").stop();
  constexpr int kWrites = 3'000;
  int64_t most = 0;
  for (int i = 0; i < kWrites; ++i) {
    write_file(images / "hot", std::to_string(i));
    if (i % 100 == 0) most = std::max(most, number("victim", "Pending"));
  }
  EXPECT_LE(most, 2) << "the file, and its directory";
  EXPECT_LT(number("near", "Transfers") - before, kWrites / 10);
  EXPECT_TRUE(others_go_on());
  server("host1").start();
  EXPECT_TRUE(nothing_is_lost());
}

TEST_F(FaultLimits, AKeyIsTakenBack) {
  begin();
  ASSERT_TRUE(nothing_is_lost());
  const std::string key = read_file(server("host1").authorized_keys_file());
  write_file(server("host1").authorized_keys_file(), "");
  server("host1").stop();
  server("host1").start();
  write_file(images / "refused", "not there\n");
  ASSERT_TRUE(error_names("victim", "Permission denied"));
  EXPECT_TRUE(others_go_on());
  EXPECT_EQ(read_file(copy("victim") / "images/refused"), "");
  write_file(server("host1").authorized_keys_file(), key);
  EXPECT_TRUE(nothing_is_lost());
}

TEST_F(FaultLimits, ABacklogOfAnOutage) {
  constexpr int kFiles = 5'000;
  begin();
  ASSERT_TRUE(nothing_is_lost());
  const size_t memory_before = memory(), log_before = daemon->log().size();
  server("host1").stop();
  for (int i = 0; i < kFiles; ++i)
    write_file(images / "backlog" / std::to_string(i % 50) / std::to_string(i), std::to_string(i));
  EXPECT_TRUE(others_go_on());
  EXPECT_LE(memory(), memory_before + 100);
  EXPECT_LE(daemon->log().size(), log_before + 50'000);
  server("host1").start();
  EXPECT_TRUE(nothing_is_lost());
}

}  // namespace
}  // namespace mirrord::test
