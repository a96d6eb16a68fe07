// One rsync on its way: from a job and fresh facts to a child process, and from its end to an
// Outcome. Destroying a Run ends the child.
//
// A run may be started ahead, as a *standby*: it connects and waits on its standard input, so that
// a list that is fed to it later is on the target within milliseconds.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/dirty_set.hpp"
#include "core/rsync.hpp"
#include "core/rsync_result.hpp"
#include "io/process.hpp"
#include "io/runtime_dir.hpp"

namespace mirrord {

class Run {
 public:
  struct Result {
    Outcome outcome;
    std::string error;   ///< the end of rsync's standard error
    std::string output;  ///< the end of its standard output, in a verification a lot of it
    bool output_is_whole = true;
    Duration duration{};
    size_t paths = 0;
    bool was_standby = false;
  };
  using Done = std::function<void(const Result&)>;

  /// Starts rsync for `target`. Without a list, a lane that reads one waits for feed(). A child
  /// that cannot be started throws std::system_error.
  Run(Loop& loop, const Group& group, const Target& target, const Transfer& transfer,
      std::optional<std::string> list, Done done);

  /// Gives a standby its work; from now on its end is told to `done`.
  void feed(const std::string& list, Done done);
  /// 0 to 1 in a full comparison; -1 = unknown.
  double progress() const { return read_progress(process_.output()); }
  /// The ssh master whose session it is, or what stands for none.
  const std::string& control_path() const { return control_path_; }
  pid_t pid() const { return process_.pid(); }
  Instant started() const { return started_; }  ///< or fed, if it is later
  /// Whether rsync has ended and nobody was told yet.
  bool has_ended() const { return process_.has_ended(); }
  void terminate() { process_.terminate(); }

 private:
  void watch();
  void look();
  void ended(const ProcessResult& end);

  Loop& loop_;
  std::string source_, destination_, control_path_;
  Done done_;
  Instant started_;
  size_t paths_ = 0;
  bool deletes_ = false;
  bool was_standby_ = false;
  Duration timeout_{};
  int most_still_looks_ = 0;
  std::optional<User> user_;
  std::string ssh_;                // the name of its program
  std::optional<uint64_t> moved_;  // bytes, at the last look
  int still_looks_ = 0;
  Source look_timer_;
  PrivateFile rules_;
  Process process_;
};

}  // namespace mirrord
