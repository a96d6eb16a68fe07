// The members of org.mirrord1.Target.
#include "core/status_json.hpp"
#include "daemon/bus_members.hpp"

namespace mirrord {

namespace {

int get_synced_up_to(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply,
                     void* data, sd_bus_error*) {
  return sd_bus_message_append(reply, "t",
                               synced_up_to(*static_cast<const TargetStatus*>(data), now_usec()));
}

/// A method of the target itself: none of its arguments selects it.
template <auto Act>
int on_target(sd_bus_message* call, void* data, sd_bus_error* error) {
  const auto& target = *static_cast<const TargetStatus*>(data);
  return act_on<Act>(service_of_slot(call), call, target.group, target.name, error);
}

int method_reached(sd_bus_message* call, void* data, sd_bus_error*) {
  uint64_t checkpoint = 0;
  int r = sd_bus_message_read(call, "t", &checkpoint);
  if (r < 0) return r;
  const auto& target = *static_cast<const TargetStatus*>(data);
  return sd_bus_reply_method_return(call, "b",
                                    static_cast<int>(target.reached_checkpoint >= checkpoint));
}

int method_describe_target(sd_bus_message* call, void* data, sd_bus_error* error) {
  return guarded(error, [&] {
    std::string json = to_json(*static_cast<const TargetStatus*>(data), now_usec());
    return sd_bus_reply_method_return(call, "s", json.c_str());
  });
}

template <auto Member>
constexpr auto kTarget = get<TargetStatus, Member>;

}  // namespace

// sd-bus's macros make C initialisers out of casts and designators of their own order.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

const sd_bus_vtable kTargetVtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Sync", SD_BUS_ARGS("b", full), SD_BUS_NO_RESULT,
                            on_target<sync_targets>, kForAll),
    SD_BUS_METHOD_WITH_ARGS("Pause", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT,
                            on_target<pause_targets<true>>, kForAll),
    SD_BUS_METHOD_WITH_ARGS("Resume", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT,
                            on_target<pause_targets<false>>, kForAll),
    SD_BUS_METHOD_WITH_ARGS("Reached", SD_BUS_ARGS("t", checkpoint), SD_BUS_RESULT("b", reached),
                            method_reached, kForAll),
    SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json),
                            method_describe_target, kForAll),
    SD_BUS_PROPERTY("Name", "s", kTarget<&TargetStatus::name>, 0, kConst),
    SD_BUS_PROPERTY("Group", "s", kTarget<&TargetStatus::group>, 0, kConst),
    SD_BUS_PROPERTY("Destination", "s", kTarget<&TargetStatus::destination>, 0, kConst),
    SD_BUS_PROPERTY("State", "s", kTarget<&TargetStatus::state>, 0, kEmits),
    SD_BUS_PROPERTY("Pending", "t", kTarget<&TargetStatus::pending>, 0, kQuiet),
    SD_BUS_PROPERTY("FullPending", "b", kTarget<&TargetStatus::full_pending>, 0, kEmits),
    SD_BUS_PROPERTY("OldestPendingUSec", "t", kTarget<&TargetStatus::oldest_pending_usec>, 0,
                    kQuiet),
    SD_BUS_PROPERTY("SyncedUpToUSec", "t", get_synced_up_to, 0, kQuiet),
    SD_BUS_PROPERTY("LastSyncUSec", "t", kTarget<&TargetStatus::last_sync_usec>, 0, kQuiet),
    SD_BUS_PROPERTY("LastError", "s", kTarget<&TargetStatus::last_error>, 0, kEmits),
    SD_BUS_PROPERTY("LastExitStatus", "i", kTarget<&TargetStatus::last_exit_status>, 0, kEmits),
    SD_BUS_PROPERTY("ConsecutiveFailures", "u", kTarget<&TargetStatus::consecutive_failures>, 0,
                    kEmits),
    SD_BUS_PROPERTY("NextAttemptUSec", "t", kTarget<&TargetStatus::next_attempt_usec>, 0, kEmits),
    SD_BUS_PROPERTY("Transfers", "t", kTarget<&TargetStatus::transfers>, 0, kQuiet),
    SD_BUS_PROPERTY("FilesSent", "t", kTarget<&TargetStatus::files_sent>, 0, kQuiet),
    SD_BUS_PROPERTY("BytesSent", "t", kTarget<&TargetStatus::bytes_sent>, 0, kQuiet),
    SD_BUS_PROPERTY("ReachedCheckpoint", "t", kTarget<&TargetStatus::reached_checkpoint>, 0,
                    kQuiet),
    SD_BUS_PROPERTY("Progress", "d", kTarget<&TargetStatus::progress>, 0, kEmits),
    SD_BUS_VTABLE_END,
};

#pragma GCC diagnostic pop

}  // namespace mirrord
