// The service manager's end of sd_notify(3): a datagram socket that remembers what was said.
//
// It owns a socket bound to a path below the test's directory. It listens only; nothing that a
// service sends has any effect.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "io/handle.hpp"

namespace mirrord::test {

class NotifySocket {
 public:
  explicit NotifySocket(std::filesystem::path path);

  const std::filesystem::path& path() const { return path_; }

  /// Every assignment so far ("READY=1", "STATUS=…"), oldest first. Never blocks.
  const std::vector<std::string>& assignments();

  /// How often exactly this assignment was made so far.
  size_t count(const std::string& assignment);

  /// The value assigned to `name` last, "" when none was.
  std::string last(const std::string& name);

 private:
  std::filesystem::path path_;
  Fd socket_;
  std::vector<std::string> assignments_;
};

}  // namespace mirrord::test
