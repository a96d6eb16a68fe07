#include "core/status_json.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace mirrord {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kNow = 1'700'000'000'000'000;

Status two_targets() {
  Status status;
  status.config_loaded_usec = 5;
  status.max_transfers = 8;
  GroupStatus web;
  web.name = "web";
  web.source = "/home/webmgr/contents";
  web.state = GroupState::source_missing;
  web.targets = {"tgt1", "tgt2"};
  GroupStatus empty;
  empty.name = "logs";
  status.groups = {web, empty};
  for (const char* name : {"tgt1", "tgt2"}) {
    TargetStatus target;
    target.group = "web";
    target.name = name;
    target.reached_checkpoint = 1;
    status.targets.push_back(target);
  }
  status.targets[1].state = TargetState::held;
  status.targets[1].oldest_pending_usec = kNow - 7;
  status.targets[1].last_error = "it said \"no\"";
  status.targets[1].progress = 0.5;
  return status;
}

TEST(StatusJson, ManagerHoldsGroupsHoldTargets) {
  Json all = Json::parse(to_json(two_targets(), {"1.2", "/etc/mirrord", kNow}));
  EXPECT_EQ("1.2", all["Version"]);
  EXPECT_EQ("/etc/mirrord", all["ConfigDirectory"]);
  EXPECT_EQ(8, all["MaxTransfers"]);
  EXPECT_EQ(5, all["ConfigLoadedUSec"]);
  ASSERT_EQ(2u, all["Groups"].size());
  EXPECT_EQ("source-missing", all["Groups"][0]["State"]);
  ASSERT_EQ(2u, all["Groups"][0]["Targets"].size());
  EXPECT_EQ("tgt2", all["Groups"][0]["Targets"][1]["Name"]);
  EXPECT_EQ("logs", all["Groups"][1]["Name"]);
  EXPECT_EQ(Json::array(), all["Groups"][1]["Targets"]);
}

TEST(StatusJson, GroupAlone) {
  Status status = two_targets();
  Json web = Json::parse(to_json(status, status.groups[0], kNow));
  EXPECT_EQ("/home/webmgr/contents", web["Source"]);
  EXPECT_EQ(2u, web["Targets"].size());
}

TEST(StatusJson, TargetAlone) {
  Status status = two_targets();
  Json in_sync = Json::parse(to_json(status.targets[0], kNow));
  EXPECT_EQ("idle", in_sync["State"]);
  EXPECT_EQ(kNow - 200'000, in_sync["SyncedUpToUSec"]);
  EXPECT_EQ(-1, in_sync["Progress"]);
  Json held = Json::parse(to_json(status.targets[1], kNow));
  EXPECT_EQ("held", held["State"]);
  EXPECT_EQ(kNow - 7, held["SyncedUpToUSec"]);
  EXPECT_EQ("it said \"no\"", held["LastError"]);
  EXPECT_EQ(0.5, held["Progress"]);
}

}  // namespace
}  // namespace mirrord
