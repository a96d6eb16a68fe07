// How each target is reached: through which ssh master, and with what two rsyncs can do.
//
// A connection is opened when there is something to send and stands until it fails or the target
// is gone. Opening it is one login attempt, however many transfers wait for it.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/probe.hpp"
#include "daemon/ssh_masters.hpp"

namespace mirrord {

class Connections {
 public:
  using Opened = std::function<void(const Outcome&)>;
  struct Link {
    std::string control_path;
    Capabilities can;
    std::unique_ptr<Probe> probe;
    bool lost = false;  ///< since it was opened
  };

  /// The path for one more session of the master at `control_path`, or kNoMaster when it has
  /// enough.
  using SessionFor = std::function<std::string(const std::string& control_path)>;

  Connections(Loop& loop, SshMasters::Listener listener, SessionFor session_for);

  /// `opened` is called once, perhaps at once, with `done` or the reason why not. References must
  /// stay valid until then or until close().
  void open(TargetId id, const Group& group, const Target& target, Opened opened);
  /// A host that failed is not left alone any longer.
  void hurry(TargetId id) { masters_.hurry(id); }
  std::optional<Instant> next_login(TargetId id) const { return masters_.next_login(id); }
  /// What is left undone about probes and masters, in words.
  std::vector<std::string> undone(Instant now) const;
  void close(TargetId id);
  void close_all();

  /// What is known of the way to a target; null before it was opened for the first time.
  const Link* find(TargetId id) const;
  /// How many probes are sessions of that master.
  ptrdiff_t probes(const std::string& control_path) const;
  /// Learned from a run that failed because of it; false when it was known.
  bool refuses(TargetId id, Feature feature) {
    return links_.at(id).can.refused.insert(feature).second;
  }

 private:
  void answered(TargetId id, const Group& group, const Target& target,
                const SshMasters::Answer& answer, const Opened& opened);
  void probe(TargetId id, const Group& group, const Target& target, const Opened& opened);
  void probed(TargetId id, const Probe::Result& result, const Opened& opened);
  void probe_next(const std::string& control_path);
  void forget_waiting(TargetId id);

  /// Until a probe of the same master has ended: its sessions are few.
  struct WaitingProbe {
    TargetId target;
    std::string control_path;
    std::function<void()> start;
  };
  static constexpr ptrdiff_t kProbesAtOnce = 4;

  Loop& loop_;
  SessionFor session_for_;
  std::map<TargetId, Link> links_;
  std::deque<WaitingProbe> waiting_;
  SshMasters masters_;
};

}  // namespace mirrord
