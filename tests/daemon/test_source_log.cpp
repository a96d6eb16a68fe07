#include "daemon/source_log.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "io/log.hpp"

namespace mirrord {
namespace {

using namespace std::chrono_literals;

class SourceLogTest : public testing::Test {
 protected:
  SourceLogTest() {
    log::open(log::Target::standard_error, LogLevel::info);
    group.name = "web";
  }

  size_t lines_of(const std::function<void()>& deed) {
    testing::internal::CaptureStderr();
    deed();
    const std::string text = testing::internal::GetCapturedStderr();
    return static_cast<size_t>(std::ranges::count(text, '\n'));
  }
  size_t lines_of_trouble(const std::string& path, bool at_limit = false) {
    return lines_of([&] { log.trouble(group, path, {path, "why", at_limit}); });
  }

  Group group;
  SourceLog log;
};

TEST_F(SourceLogTest, TellsEachTroubleOnceAndNotOfTooMany) {
  EXPECT_EQ(lines_of_trouble("/src/0"), 1u);
  EXPECT_EQ(lines_of_trouble("/src/0"), 0u);
  size_t lines = 0;
  for (int i = 1; i < 100; ++i) lines += lines_of_trouble("/src/" + std::to_string(i));
  EXPECT_EQ(lines, 49u);
}

TEST_F(SourceLogTest, TellsALimitOfInotifyWheneverItIsReachedAnew) {
  for (int i = 0; i < 100; ++i) lines_of_trouble("/src/" + std::to_string(i));
  EXPECT_EQ(lines_of_trouble("/src/a", true), 1u);
  EXPECT_EQ(lines_of_trouble("/src/b", true), 0u);
  log.all_watched();
  EXPECT_EQ(lines_of_trouble("/src/b", true), 1u);
}

TEST_F(SourceLogTest, OfAStormOfOverflowsALineAMinute) {
  const Instant start(1h);
  EXPECT_EQ(lines_of([&] { log.overflowed(group, start); }), 1u);
  EXPECT_EQ(lines_of([&] { log.overflowed(group, start + 59s); }), 0u);
  EXPECT_EQ(lines_of([&] { log.overflowed(group, start + 61s); }), 1u);
}

}  // namespace
}  // namespace mirrord
