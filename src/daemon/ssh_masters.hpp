// The ssh masters: one per connection that targets share, by core/ssh's connection_key().
//
// A target asks for its master when it has something to send; the first to ask starts it. Where
// there is no use in one (not wanted, no place for its socket, a host that refuses to share) the
// answer is kNoMaster: each rsync then makes a connection of its own. A master that dies is told
// to all of its targets, and one that comes (back) too. A host that cannot be reached is tried with
// one login at a time, less and less often, however many of its targets ask.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/backoff.hpp"
#include "core/model.hpp"
#include "core/outcome.hpp"
#include "core/scheduler.hpp"
#include "io/ssh_master.hpp"

namespace mirrord {

class SshMasters {
 public:
  struct Listener {
    std::function<void(TargetId)> reachable;
    std::function<void(TargetId)> lost;
  };
  /// A control path to use, or why the host cannot be reached.
  struct Answer {
    bool reached = true;
    std::string control_path;
    Outcome failure;
  };
  using Answered = std::function<void(const Answer&)>;

  SshMasters(Loop& loop, Listener listener) : loop_(loop), listener_(std::move(listener)) {}

  /// Answers once, perhaps at once. Group and target must stay valid until then or release().
  void ask(TargetId target, const Group& group, const Target& config, Answered answered);
  /// Whoever waits for a host that failed tries it now.
  void hurry(TargetId target);
  /// When the host that the target waits for is tried again; nothing while it does not wait.
  std::optional<Instant> next_login(TargetId target) const;
  /// What is left undone about the masters, in words.
  std::vector<std::string> undone(Instant now) const;
  /// The target is gone. A master that nobody uses any more is ended.
  void release(TargetId target);
  void clear() { connections_.clear(); }

 private:
  struct Waiting {
    const Group* group;
    const Target* config;
    Answered answered;
  };
  struct Connection {
    explicit Connection(uint32_t jitter_seed) : backoff(jitter_seed) {}
    std::string socket;
    std::unique_ptr<SshMaster> master;
    std::set<TargetId> targets;
    std::map<TargetId, Waiting> waiting;
    Backoff backoff;
    RetrySettings retry;   // of the group that has asked last
    Source next_login;     // armed while somebody waits and nobody tries
    bool refused = false;  // it cannot be shared: no master is tried again
  };

  Connection& connection_of(TargetId target, const Group& group, const Target& config);
  void try_to_start(Connection& connection);
  void start(Connection& connection, const Group& group, const Target& config);
  void became_ready(Connection& connection);
  void ended(Connection& connection, const ProcessResult& result);
  void answer(Connection& connection, const Answer& answer);

  Loop& loop_;
  Listener listener_;
  std::map<std::string, Connection> connections_;  // by connection_key()
};

}  // namespace mirrord
