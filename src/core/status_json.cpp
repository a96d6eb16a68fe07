#include "core/status_json.hpp"

#include <nlohmann/json.hpp>

namespace mirrord {

namespace {

using Json = nlohmann::ordered_json;

Json describe(const TargetStatus& target, uint64_t now_usec) {
  return {{"Name", target.name},
          {"Group", target.group},
          {"Destination", target.destination},
          {"State", to_string(target.state)},
          {"Pending", target.pending},
          {"FullPending", target.full_pending},
          {"OldestPendingUSec", target.oldest_pending_usec},
          {"SyncedUpToUSec", synced_up_to(target, now_usec)},
          {"ReachedCheckpoint", target.reached_checkpoint},
          {"LastSyncUSec", target.last_sync_usec},
          {"LastError", target.last_error},
          {"LastExitStatus", target.last_exit_status},
          {"ConsecutiveFailures", target.consecutive_failures},
          {"NextAttemptUSec", target.next_attempt_usec},
          {"Transfers", target.transfers},
          {"FilesSent", target.files_sent},
          {"BytesSent", target.bytes_sent},
          {"HookFailures", target.hook_failures},
          {"Progress", target.progress}};
}

Json describe(const Status& status, const GroupStatus& group, uint64_t now_usec) {
  Json targets = Json::array();
  for (const TargetStatus& target : status.targets)
    if (target.group == group.name) targets.push_back(describe(target, now_usec));
  return {{"Name", group.name},
          {"Source", group.source},
          {"ResolvedSource", group.resolved_source},
          {"State", to_string(group.state)},
          {"Problem", group.problem},
          {"WatchedDirectories", group.watched_directories},
          {"FollowedLinks", group.followed_links},
          {"Targets", targets}};
}

}  // namespace

std::string to_json(const Status& status, const ServiceFacts& facts) {
  Json groups = Json::array();
  for (const GroupStatus& group : status.groups)
    groups.push_back(describe(status, group, facts.now_usec));
  return Json{{"Version", facts.version},
              {"ConfigDirectory", facts.config_directory},
              {"ConfigLoadedUSec", status.config_loaded_usec},
              {"RunningTransfers", status.running_transfers},
              {"MaxTransfers", status.max_transfers},
              {"Groups", groups}}
      .dump();
}

std::string to_json(const Status& status, const GroupStatus& group, uint64_t now_usec) {
  return describe(status, group, now_usec).dump();
}

std::string to_json(const TargetStatus& target, uint64_t now_usec) {
  return describe(target, now_usec).dump();
}

}  // namespace mirrord
