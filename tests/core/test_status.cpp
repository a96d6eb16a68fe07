#include "core/status.hpp"

#include "core/escape.hpp"

#include <gtest/gtest.h>

namespace mirrord {
namespace {

GroupStatus group(const std::string& name, GroupState state = GroupState::watching) {
  GroupStatus status;
  status.name = name;
  status.state = state;
  return status;
}

TargetStatus target(const std::string& name, TargetState state, const std::string& error = "") {
  TargetStatus status;
  status.group = "web";
  status.name = name;
  status.state = state;
  status.last_error = error;
  return status;
}

TEST(Status, NamesStatesAsOnTheBus) {
  const std::pair<GroupState, const char*> groups[] = {
      {GroupState::crawling, "crawling"},
      {GroupState::watching, "watching"},
      {GroupState::degraded, "degraded"},
      {GroupState::source_missing, "source-missing"},
  };
  for (const auto& [state, name] : groups) EXPECT_STREQ(to_string(state), name);
  const std::pair<TargetState, const char*> targets[] = {
      {TargetState::idle, "idle"},         {TargetState::settling, "settling"},
      {TargetState::waiting, "waiting"},   {TargetState::syncing, "syncing"},
      {TargetState::retrying, "retrying"}, {TargetState::paused, "paused"},
  };
  for (const auto& [state, name] : targets) EXPECT_STREQ(to_string(state), name);
}

TEST(Status, FindsGroupsAndTargetsByName) {
  Status status;
  status.groups = {group("web"), group("mail")};
  status.targets = {target("one", TargetState::idle), target("two", TargetState::paused)};
  ASSERT_NE(status.group("mail"), nullptr);
  EXPECT_EQ(status.group("mail")->name, "mail");
  EXPECT_EQ(status.group("none"), nullptr);
  ASSERT_NE(status.target("web", "two"), nullptr);
  EXPECT_EQ(status.target("web", "two")->state, TargetState::paused);
  EXPECT_EQ(status.target("mail", "two"), nullptr);
  EXPECT_EQ(status.target("web", "three"), nullptr);
}

TEST(Status, IsSyncedUpToItsOldestPendingChange) {
  TargetStatus status = target("one", TargetState::settling);
  EXPECT_EQ(synced_up_to(status, 5000), 0u) << "it was never compared";
  status.reached_checkpoint = 1;
  EXPECT_EQ(synced_up_to(status, 5'000'000), 4'800'000u) << "nothing that is known of";
  status.oldest_pending_usec = 4000;
  EXPECT_EQ(synced_up_to(status, 5000), 4000u);
}

TEST(Status, SummaryCountsAndNamesWhatIsWrong) {
  const struct {
    const char* name;
    std::vector<GroupStatus> groups;
    std::vector<TargetStatus> targets;
    const char* line;
  } cases[] = {
      {"nothing configured", {}, {}, "0 of 0 targets in sync"},
      {"all well",
       {group("web")},
       {target("one", TargetState::idle), target("two", TargetState::idle)},
       "2 of 2 targets in sync"},
      {"work in hand is not wrong",
       {group("web")},
       {target("one", TargetState::syncing), target("two", TargetState::settling),
        target("three", TargetState::waiting)},
       "0 of 3 targets in sync"},
      {"a failing target",
       {group("web")},
       {target("one", TargetState::idle), target("two", TargetState::retrying, "rsync exited 12")},
       "1 of 2 targets in sync: web/two retrying, rsync exited 12"},
      {"paused",
       {group("web")},
       {target("one", TargetState::paused)},
       "0 of 1 targets in sync: web/one paused"},
      {"source gone",
       {group("web", GroupState::source_missing)},
       {target("one", TargetState::idle)},
       "1 of 1 targets in sync: web source-missing"},
      {"several",
       {group("web", GroupState::degraded), group("mail", GroupState::crawling)},
       {target("one", TargetState::retrying)},
       "0 of 1 targets in sync: web degraded; mail crawling, 0 directories so far; web/one "
       "retrying"},
  };
  for (const auto& c : cases) {
    Status status;
    status.groups = c.groups;
    status.targets = c.targets;
    EXPECT_EQ(summary(status), c.line) << c.name;
  }
}

TEST(Status, SummaryIsBounded) {
  Status status;
  for (int i = 0; i < 1000; ++i)
    status.targets.push_back(target(std::to_string(i), TargetState::retrying, "no route"));
  std::string line = summary(status);
  EXPECT_LT(line.size(), 500u);
  EXPECT_TRUE(line.ends_with("...")) << line;
}

TEST(Status, SummaryIsUtf8AlsoWhenCutShort) {
  // systemd drops a STATUS= that is no UTF-8. One of these offsets cuts a character in two.
  for (size_t shift = 0; shift < 3; ++shift) {
    std::string error(shift, 'x');
    for (int i = 0; i < 300; ++i) error += "\xe2\x82\xac";
    Status status;
    status.targets = {target("one", TargetState::retrying, error)};
    std::string line = summary(status);
    EXPECT_TRUE(escape(line) == line)
        << "shift " << shift << ": ..." << line.substr(line.size() - 9);
  }
}

}  // namespace
}  // namespace mirrord
