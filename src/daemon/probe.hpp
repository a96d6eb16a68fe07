// Finds out what the two rsyncs of a target can do, and makes the target's parent directory.
//
// A few short children, one after the other: `rsync --version` here, the same there, and `mkdir -p`
// where rsync itself has no --mkpath. A forced command (rrsync) that refuses to answer is no
// failure, but one that stays silent for `timeout =` (a minute where that is off) is. Destroying a
// Probe ends its child.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/capabilities.hpp"
#include "core/model.hpp"
#include "core/outcome.hpp"
#include "io/process.hpp"

namespace mirrord {

class Probe {
 public:
  struct Result {
    Capabilities can;
    Outcome outcome;  ///< done, or why nothing can be sent there
  };
  using Done = std::function<void(const Result&)>;

  /// `done` is called once, later. Throws std::system_error when rsync cannot be started here.
  Probe(Loop& loop, const Group& group, const Target& target, std::string control_path, Done done);
  const std::string& control_path() const { return control_path_; }
  /// What is left undone about its child, in words; "" = nothing.
  std::string undone(Instant now) const;

 private:
  using Step = void (Probe::*)(const ProcessResult&);
  void start(std::vector<std::string> argv, const char* purpose, Step next);
  void run(std::vector<std::string> argv, const char* purpose, Step next);
  void heard_here(const ProcessResult& result);
  void heard_there(const ProcessResult& result);
  void make_path();
  void made_path(const ProcessResult& result);
  void fail(const std::string& text, int exit_status);
  void finish();

  Loop& loop_;
  Group group_;
  Target target_;
  std::string control_path_;
  Done done_;
  Result result_;
  std::unique_ptr<Process> process_;
  Instant deadline_;
  Source patience_;
};

}  // namespace mirrord
