// The members of org.mirrord1.Group.
#include "core/status_json.hpp"
#include "daemon/bus_members.hpp"
#include "daemon/bus_objects.hpp"

namespace mirrord {

namespace {

int get_group_targets(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply,
                      void* data, sd_bus_error*) {
  const auto& group = *static_cast<const GroupStatus*>(data);
  std::vector<std::string> paths;
  for (const std::string& target : group.targets) paths.push_back(target_path(group.name, target));
  return append_paths(reply, paths);
}

int method_describe_group(sd_bus_message* call, void* data, sd_bus_error* error) {
  return guarded(error, [&] {
    const auto& group = *static_cast<const GroupStatus*>(data);
    std::string json = to_json(service_of_slot(call).status(), group, now_usec());
    return sd_bus_reply_method_return(call, "s", json.c_str());
  });
}

template <auto Member>
constexpr auto kGroup = get<GroupStatus, Member>;

}  // namespace

// sd-bus's macros make C initialisers out of casts and designators of their own order.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

const sd_bus_vtable kGroupVtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json),
                            method_describe_group, kForAll),
    SD_BUS_PROPERTY("Name", "s", kGroup<&GroupStatus::name>, 0, kConst),
    SD_BUS_PROPERTY("Source", "s", kGroup<&GroupStatus::source>, 0, kConst),
    SD_BUS_PROPERTY("ResolvedSource", "s", kGroup<&GroupStatus::resolved_source>, 0, kEmits),
    SD_BUS_PROPERTY("State", "s", kGroup<&GroupStatus::state>, 0, kEmits),
    SD_BUS_PROPERTY("Problem", "s", kGroup<&GroupStatus::problem>, 0, kEmits),
    SD_BUS_PROPERTY("WatchedDirectories", "t", kGroup<&GroupStatus::watched_directories>, 0,
                    kQuiet),
    SD_BUS_PROPERTY("FollowedLinks", "t", kGroup<&GroupStatus::followed_links>, 0, kQuiet),
    SD_BUS_PROPERTY("Targets", "ao", get_group_targets, 0, kEmits),
    SD_BUS_VTABLE_END,
};

#pragma GCC diagnostic pop

}  // namespace mirrord
