#include "daemon/bus_members.hpp"

namespace mirrord {

int append_paths(sd_bus_message* reply, const std::vector<std::string>& paths) {
  int r = sd_bus_message_open_container(reply, 'a', "o");
  for (size_t i = 0; r >= 0 && i < paths.size(); ++i)
    r = sd_bus_message_append(reply, "o", paths[i].c_str());
  return r < 0 ? r : sd_bus_message_close_container(reply);
}

int sync_targets(BusService& bus, sd_bus_message* call, const std::string& group,
                 const std::string& target, sd_bus_error* error) {
  int full = 0;
  int r = sd_bus_message_read(call, "b", &full);
  if (r < 0) return r;
  return bus.act(
      call, group, target, [&](Engine& engine) { return engine.sync(group, target, full != 0); },
      error);
}

int approve_deletes(BusService& bus, sd_bus_message* call, const std::string& group,
                    const std::string& target, sd_bus_error* error) {
  return bus.act(
      call, group, target, [&](Engine& engine) { return engine.approve_deletes(group, target); },
      error);
}

int verify_targets(BusService& bus, sd_bus_message* call, const std::string& group,
                   const std::string& target, sd_bus_error* error) {
  return bus.verify(call, group, target, error);
}

}  // namespace mirrord
