#include "daemon/caller.hpp"

#include <utility>

namespace mirrord {

Caller::Caller(sd_bus_message* call, std::function<void()> left)
    : call_(sd_bus_message_ref(call)), left_(std::move(left)) {}

int Caller::watch(sd_bus_message* call, std::function<void()> left,
                  std::unique_ptr<Caller>& caller) {
  auto gone = [](sd_bus_track*, void* data) {
    // The Caller may not outlive the call.
    std::function<void()> told = std::move(static_cast<Caller*>(data)->left_);
    told();
    return 1;
  };
  std::unique_ptr<Caller> made(new Caller(call, std::move(left)));
  sd_bus_track* track = nullptr;
  int r = sd_bus_track_new(sd_bus_message_get_bus(call), &track, gone, made.get());
  made->track_.reset(track);
  if (r >= 0) r = sd_bus_track_add_sender(track, call);
  if (r >= 0) caller = std::move(made);
  return r;
}

}  // namespace mirrord
