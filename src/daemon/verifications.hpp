// Comparisons byte by byte, on request: calls that each go through their targets, one by one.
//
// So many calls run at a time, the others wait. Owns the rsyncs; how one is started is told by the
// engine. It uses no slot of the transfers, and changes nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/scheduler.hpp"
#include "core/verification.hpp"
#include "daemon/run.hpp"

namespace mirrord {

class Verifications {
 public:
  static constexpr size_t kMostAtATime = 4;

  struct Subject {
    TargetId id;
    std::string group, target;
  };
  using Done = std::function<void(const std::vector<Verification>&)>;
  /// Starts the comparison of a target; nothing when that has gone meanwhile. Throws
  /// std::system_error when it cannot be started.
  using Start = std::function<std::unique_ptr<Run>(TargetId, Run::Done)>;

  explicit Verifications(Start start) : start_(std::move(start)) {}

  /// `number` is that of the call, set before it begins.
  void begin(std::vector<Subject> subjects, Done done, uint64_t& number);
  /// Nobody wants to know any more; `done` does not come.
  void forget(uint64_t number);
  /// Ends all.
  void stop() { calls_.clear(); }

  /// How many of them are sessions of the master there.
  ptrdiff_t sessions(const std::string& control_path) const;
  /// What is left undone about their children, in words.
  std::vector<std::string> undone() const;

 private:
  struct Call {
    std::vector<Subject> subjects;  // still to be compared, the next one last
    std::vector<Verification> results;
    std::unique_ptr<Run> run;
    Done done;
  };
  void go_on();
  bool goes_on(uint64_t number);
  void ended(uint64_t number, const Subject& subject, const Run::Result& result);

  Start start_;
  std::map<uint64_t, Call> calls_;  // in the order of their coming
  uint64_t last_ = 0;
};

}  // namespace mirrord
