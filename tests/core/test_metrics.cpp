#include "core/metrics.hpp"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

namespace mirrord {
namespace {

constexpr uint64_t kNow = 1'700'000'000'000'000;

Status one_of_each() {
  Status status;
  GroupStatus group;
  group.name = "web";
  group.state = GroupState::watching;
  group.watched_directories = 12;
  status.groups = {group};
  TargetStatus target;
  target.group = "web";
  target.name = "tgt\"1\\";
  target.state = TargetState::retrying;
  target.oldest_pending_usec = kNow - 2'500'000;
  target.bytes_sent = 12345678901;
  status.targets = {target};
  return status;
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(Metrics, SamplesOfEachKind) {
  std::string text = metrics_text(one_of_each(), "1.2", kNow);
  for (const auto* line : {
           R"(mirrord_build_info{version="1.2"} 1)",
           R"(mirrord_group_state{group="web",state="watching"} 1)",
           R"(mirrord_group_state{group="web",state="degraded"} 0)",
           R"(mirrord_group_watched_directories{group="web"} 12)",
           R"(mirrord_target_state{group="web",target="tgt\"1\\",state="retrying"} 1)",
           R"(mirrord_target_lag_seconds{group="web",target="tgt\"1\\"} 2.5)",
           R"(# TYPE mirrord_target_sent_bytes counter)",
           R"(mirrord_target_sent_bytes_total{group="web",target="tgt\"1\\"} 12345678901)",
       })
    EXPECT_TRUE(has_line(text, line)) << line << " in\n" << text;
  EXPECT_TRUE(text.ends_with("\n# EOF\n"));
}

TEST(Metrics, InSyncIsNoLag) {
  Status status = one_of_each();
  status.targets[0].oldest_pending_usec = 0;
  EXPECT_TRUE(has_line(metrics_text(status, "1.2", kNow),
                       R"(mirrord_target_lag_seconds{group="web",target="tgt\"1\\"} 0)"));
}

TEST(Metrics, AChangeOfAFastClockIsNoLag) {
  Status status = one_of_each();
  status.targets[0].oldest_pending_usec = kNow + 1;
  EXPECT_TRUE(has_line(metrics_text(status, "1.2", kNow),
                       R"(mirrord_target_lag_seconds{group="web",target="tgt\"1\\"} 0)"));
}

TEST(Metrics, EachIsDescribedOnceAndBeforeItsSamples) {
  std::istringstream text(metrics_text(one_of_each(), "1.2", kNow));
  std::set<std::string> described;
  std::string current;
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("# TYPE ")) {
      current = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(described.insert(current).second) << current;
    } else if (!line.starts_with('#')) {
      EXPECT_TRUE(line.starts_with(current)) << line;
    }
  }
  EXPECT_GT(described.size(), 12u);
}

}  // namespace
}  // namespace mirrord
