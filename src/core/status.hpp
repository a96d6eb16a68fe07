// The state of the service as people and the bus see it: plain values, compared to find changes.
//
// Times are microseconds of CLOCK_REALTIME, 0 = never; strings are escaped already.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/target_queue.hpp"

namespace mirrord {

enum class GroupState { crawling, watching, degraded, source_missing };

struct GroupStatus {
  std::string name;
  std::string source;
  std::string resolved_source;
  GroupState state = GroupState::crawling;
  std::string problem;
  uint64_t watched_directories = 0;
  uint64_t followed_links = 0;
  std::vector<std::string> targets;  ///< names, as configured
  bool operator==(const GroupStatus&) const = default;
};

struct TargetStatus {
  std::string group;
  std::string name;
  std::string destination;
  TargetState state = TargetState::idle;
  uint64_t pending = 0;
  bool full_pending = false;
  uint64_t oldest_pending_usec = 0;
  uint64_t last_sync_usec = 0;
  std::string last_error;
  int32_t last_exit_status = 0;
  uint32_t consecutive_failures = 0;
  uint64_t next_attempt_usec = 0;
  uint64_t transfers = 0;
  uint64_t files_sent = 0;
  uint64_t bytes_sent = 0;
  bool hook_pending = false;  ///< waits or runs
  uint64_t hook_failures = 0;
  uint64_t reached_checkpoint = 0;  ///< every change before it is on the target
  double progress = -1;             ///< 0 to 1 in a full sync
  bool operator==(const TargetStatus&) const = default;
};

struct Status {
  std::vector<GroupStatus> groups;
  std::vector<TargetStatus> targets;  ///< in order of groups, then as configured
  uint32_t running_transfers = 0;
  uint32_t max_transfers = 0;
  uint64_t config_loaded_usec = 0;
  bool operator==(const Status&) const = default;

  const GroupStatus* group(const std::string& name) const;
  const TargetStatus* target(const std::string& group, const std::string& name) const;
};

/// All states with their names, as on the bus.
inline constexpr std::pair<GroupState, const char*> kGroupStates[] = {
    {GroupState::crawling, "crawling"},
    {GroupState::watching, "watching"},
    {GroupState::degraded, "degraded"},
    {GroupState::source_missing, "source-missing"},
};
inline constexpr std::pair<TargetState, const char*> kTargetStates[] = {
    {TargetState::idle, "idle"},         {TargetState::settling, "settling"},
    {TargetState::waiting, "waiting"},   {TargetState::syncing, "syncing"},
    {TargetState::retrying, "retrying"}, {TargetState::paused, "paused"},
    {TargetState::held, "held"},
};
const char* to_string(GroupState state);
const char* to_string(TargetState state);

/// Microseconds; clocks differ between hosts, so "later than now" is no more than "now".
constexpr uint64_t usec_between(uint64_t earlier, uint64_t later) {
  return later > earlier ? later - earlier : 0;
}

/// Every change before this moment is on the target: 0.2 s ago, when nothing is pending; 0 before
/// the first comparison, because it may lack what changed while we were not running.
uint64_t synced_up_to(const TargetStatus& target, uint64_t now_usec);

/// Whether each target has been synced, or has failed to be: nothing while some are still at it.
std::optional<bool> all_in_sync(const Status& status);

/// The line for STATUS=: how many targets are in sync, and what is wrong.
std::string summary(const Status& status);

}  // namespace mirrord
