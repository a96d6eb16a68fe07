// The real-time clock is set back and forth while the daemon runs.
#include "faults/fault_lab.hpp"

namespace mirrord::test {
namespace {

constexpr const char* kDay = "86400";

class Clock : public FaultLab {
 protected:
  void set_clock(const std::string& seconds_off) const {
    write_file(dir / "clock.new", seconds_off);
    fs::rename(dir / "clock.new", dir / "clock");
  }
};

TEST_F(Clock, SetBackAndForthDelaysNothing) {
  begin("", "rescan = \"1h\"\n",
        {{"LD_PRELOAD", MIRRORD_MOVED_CLOCK},
         {"MOVED_CLOCK", dir / "clock"},
         {"ASAN_OPTIONS", "verify_asan_link_order=0"}});
  ASSERT_TRUE(nothing_is_lost());
  const int64_t honest = number("near", "LastSyncUSec");
  for (const std::string off : {"-86400", kDay, "-1000000000", "0"}) {
    set_clock(off);
    server("host1").stop();
    write_file(images / "by-clock", off);
    EXPECT_TRUE(others_go_on()) << off;
    server("host1").start();
    EXPECT_TRUE(nothing_is_lost()) << off;
    if (off != kDay) continue;
    EXPECT_GT(number("near", "LastSyncUSec"), honest + 80'000'000'000) << "the clock is moved";
  }
}

}  // namespace
}  // namespace mirrord::test
