// One rsync on its way: from a job and fresh facts to a child process, and from its end to an
// Outcome. Destroying a Run ends the child.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/dirty_set.hpp"
#include "core/rsync.hpp"
#include "io/process.hpp"

namespace mirrord {

class Run {
 public:
  struct Result {
    Outcome outcome;
    std::string error;  ///< rsync's standard error, its last 16 kB
    Duration duration{};
    size_t paths = 0;
  };
  using Done = std::function<void(const Result&)>;

  /// Starts rsync for `target`. `list` is its standard input. A child that cannot be started
  /// throws std::system_error.
  Run(Loop& loop, const Group& group, const Target& target, const Transfer& transfer,
      const std::string& list, Done done);

  void terminate() { process_.terminate(); }
  void kill() { process_.kill(); }

 private:
  Instant started_;
  Process process_;
};

}  // namespace mirrord
