// Names on the bus, org.mirrord1(5): the daemon has them, the client asks for them.
#pragma once

#include <string_view>

namespace mirrord {

inline constexpr const char* kBusName = "org.mirrord1";
inline constexpr const char* kRootPath = "/org/mirrord1";

inline constexpr const char* kManagerInterface = "org.mirrord1.Manager";
inline constexpr const char* kGroupInterface = "org.mirrord1.Group";
inline constexpr const char* kTargetInterface = "org.mirrord1.Target";

inline constexpr const char* kInvalidConfig = "org.mirrord1.Error.InvalidConfig";
inline constexpr const char* kNoSuchGroup = "org.mirrord1.Error.NoSuchGroup";
inline constexpr const char* kNoSuchTarget = "org.mirrord1.Error.NoSuchTarget";

/// What an option --bus may say: one of two buses, or a D-Bus address, sd_bus_set_address(3).
inline bool is_bus(std::string_view text) {
  const size_t transport = text.find(':');
  return text == "system" || text == "user" ||
         (transport != std::string_view::npos && transport > 0);
}

}  // namespace mirrord
