// A message bus that nobody else uses: a dbus-daemon with a socket in the test's own directory.
//
// Every local user may connect, own names and call anything: what mirrord allows to whom is then
// mirrord's own decision, which is what tests want to see. It never falls back to the system bus.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "support/child.hpp"

namespace mirrord::test {

class PrivateBus {
 public:
  /// Keeps its files in `directory`, which it creates, and accepts connections on return.
  explicit PrivateBus(std::filesystem::path directory);

  /// In the form that sd_bus_set_address(3) and `busctl --address=` take.
  std::string address() const { return "unix:path=" + socket().native(); }

 private:
  std::filesystem::path socket() const { return directory_ / "socket"; }

  std::filesystem::path directory_;
  std::optional<Child> daemon_;
};

}  // namespace mirrord::test
