// What the service manager hears from the watchdog; that it then acts is tested in tests/lab.
#include "daemon/watchdog.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "io/log.hpp"
#include "io/loop.hpp"
#include "support/files.hpp"
#include "support/notify_socket.hpp"

namespace mirrord {
namespace {

class WatchdogTest : public testing::Test {
 protected:
  WatchdogTest() {
    ::setenv("NOTIFY_SOCKET", socket.path().c_str(), 1);
    ::setenv("WATCHDOG_USEC", "200000", 1);
    ::unsetenv("WATCHDOG_PID");
    log::open(log::Target::standard_error, LogLevel::info);
  }
  ~WatchdogTest() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC"}) ::unsetenv(name);
  }

  size_t pings() { return socket.count("WATCHDOG=1"); }
  Watchdog::Undone reports() {
    return [this](Instant) {
      ++looks;
      return undone;
    };
  }
  bool looked(size_t times) {
    const size_t enough = looks + times;
    return test::run_until(loop, [&] { return looks >= enough; });
  }

  test::TempDir dir;
  test::NotifySocket socket{dir / "notify"};
  Loop loop;
  std::vector<std::string> undone;
  size_t looks = 0;
};

TEST_F(WatchdogTest, IsFedWhileNothingIsOverdue) {
  Watchdog watchdog(loop, reports());
  ASSERT_TRUE(looked(5));
  EXPECT_EQ(pings(), looks);
}

TEST_F(WatchdogTest, IsFedWhileThereIsAlwaysSomethingElseToDo) {
  Watchdog watchdog(loop, [this](Instant) {
    return std::vector<std::string>{"event " + std::to_string(++looks)};
  });
  ASSERT_TRUE(looked(5));
  EXPECT_EQ(pings(), looks);
}

TEST_F(WatchdogTest, IsNotFedWhileADutyIsOverdueAndSaysWhich) {
  Watchdog watchdog(loop, reports());
  undone = {"rsync 7 has ended and was not noticed"};
  testing::internal::CaptureStderr();
  ASSERT_TRUE(looked(3));  // for the patience it is not overdue
  const size_t fed = pings();
  ASSERT_TRUE(looked(4));
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(pings(), fed);
  const std::string told = "not fed, because rsync 7 has ended and was not noticed";
  const size_t first = log.find(told);
  ASSERT_NE(first, std::string::npos) << log;
  EXPECT_EQ(log.find(told, first + 1), std::string::npos) << log;
  EXPECT_NE(socket.last("STATUS").find("rsync 7"), std::string::npos);

  undone.clear();
  ASSERT_TRUE(looked(2));
  EXPECT_GT(pings(), fed);
}

TEST_F(WatchdogTest, IsSilentWhenNobodyWatches) {
  ::unsetenv("WATCHDOG_USEC");
  Watchdog watchdog(loop, reports());
  bool over = false;
  Source timer = loop.timer([&] { over = true; });
  loop.arm(timer, loop.now() + std::chrono::milliseconds(200));
  ASSERT_TRUE(test::run_until(loop, [&] { return over; }));
  EXPECT_EQ(looks, 0u);
  EXPECT_EQ(pings(), 0u);
}

}  // namespace
}  // namespace mirrord
