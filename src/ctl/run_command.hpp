// Runs a command to its end, as a user, and waits for it: what the doctor looks with.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "io/process.hpp"

namespace mirrord {

struct Ran {
  ProcessResult result;
  Duration duration{};
  bool in_time = true;

  bool succeeded() const { return in_time && result.exit.status == 0 && result.exit.signal == 0; }
  /// It printed these words as an error.
  bool complains(std::string_view words) const {
    return result.error.find(words) != std::string::npos;
  }
  /// The first line of its errors, fit to be printed.
  std::string complaint() const;
};

/// Its environment is the one that the daemon gives its children. Ended after a minute. Throws
/// std::system_error when it cannot be started.
Ran run_command(const User& user, std::vector<std::string> argv);

}  // namespace mirrord
