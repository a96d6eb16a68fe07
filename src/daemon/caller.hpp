// Somebody on the bus who waits for the answer to a call.
//
// Holds the call and knows when its sender leaves the bus: nobody waits for the answer then, and
// what it is made with can be given up. Does not answer by itself.
#pragma once

#include <systemd/sd-bus.h>

#include <functional>
#include <memory>

namespace mirrord {

class Caller {
 public:
  /// `left` comes at most once, and may destroy the Caller. Negative errno when that cannot be
  /// watched for, as with a sender that has left already; `caller` is empty then.
  static int watch(sd_bus_message* call, std::function<void()> left,
                   std::unique_ptr<Caller>& caller);

  sd_bus_message* call() const { return call_.get(); }

 private:
  struct Unref {
    void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
    void operator()(sd_bus_track* track) const { sd_bus_track_unref(track); }
  };
  Caller(sd_bus_message* call, std::function<void()> left);

  std::unique_ptr<sd_bus_message, Unref> call_;
  std::function<void()> left_;
  std::unique_ptr<sd_bus_track, Unref> track_;
};

}  // namespace mirrord
