// What the journal hears of the runs for one target: each that did something, and of what
// failed or was held that which is news.
//
// Words only; what the end of a run means for the target is the engine's.
#pragma once

#include <optional>
#include <string>

#include "core/failure_log.hpp"
#include "core/model.hpp"
#include "core/target_queue.hpp"
#include "daemon/run.hpp"

namespace mirrord {

/// "1 path", "7 big paths".
std::string count_of_paths(size_t paths, const char* kind = "");

class TargetLog {
 public:
  /// `next`: when a failed job is tried again.
  void ended(const Group& group, const Target& target, JobKind job, const Run::Result& result,
             std::optional<Instant> next, Instant now);
  /// Nothing is amiss any more.
  void recovered(const Group& group, const Target& target);

 private:
  FailureLog failures_, holds_;
};

}  // namespace mirrord
