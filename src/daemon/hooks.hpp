// hooks.after_sync: a command of the operator's, run here after each clean batch of a target.
//
// One at a time in a group. What arrives on a target while its turn has not come, or by a transfer
// that was not clean, goes together into its next run. A hook says nothing about the mirror: when
// it fails, that is logged and counted.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/failure_log.hpp"
#include "core/model.hpp"
#include "core/scheduler.hpp"
#include "io/process.hpp"
#include "io/runtime_dir.hpp"

namespace mirrord {

class Hooks {
 public:
  /// `changed` is called when a hook has ended.
  Hooks(Loop& loop, std::function<void()> changed) : loop_(loop), changed_(std::move(changed)) {}

  /// These paths are on the target now; "" is the whole tree. References must stay valid until
  /// forget().
  void synced(TargetId id, const Group& group, const Target& target,
              const std::vector<std::string>& paths);
  /// So are these, by a transfer that was not clean: the next run for the target tells them, too.
  void arrived(TargetId id, const std::vector<std::string>& paths);
  /// Ends what runs for the target.
  void forget(TargetId id);
  /// Starts no more, and asks those that run to end.
  void stop();
  bool idle() const { return waiting_.empty() && running_.empty(); }
  bool pending(TargetId id) const;
  /// What is left undone about those that run, in words.
  std::vector<std::string> undone(Instant now) const;
  /// Since the target is known.
  uint64_t failures(TargetId id) const;

 private:
  struct Waiting {
    TargetId id;
    const Group* group;
    const Target* target;
    std::set<std::string> paths;
  };
  struct Running {
    TargetId id = 0;
    const Target* target = nullptr;
    std::string program;  // a reload may have changed the group's
    PrivateFile paths;
    std::unique_ptr<Process> process;
    Instant deadline;
    Source timer;
    bool timed_out = false;
  };
  struct Record {
    uint64_t failures = 0;
    FailureLog log;
    std::set<std::string> untold;
  };

  void start_next();
  void start(const Waiting& next);
  void ended(const Group* group, const ProcessResult& result);
  Running take(const Group* group);
  void failed(const Running& run, const Group& group, const std::string& why,
              const std::string& error);

  Loop& loop_;
  std::function<void()> changed_;
  std::deque<Waiting> waiting_;
  std::map<const Group*, Running> running_;
  std::map<TargetId, Record> records_;
  Source next_source_;
};

}  // namespace mirrord
