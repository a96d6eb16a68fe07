// The story with programs in place of rsync, for tests of how changes travel.
//
// A TransferLab is a Lab that knows the daemon's children: the rsyncs that were run (by a program
// that notes their arguments), those that wait for work, the ssh masters. Its stand-ins are the
// real rsync but for one thing each.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "e2e/watch_lab.hpp"

namespace mirrord::test {

class TransferLab : public WatchLab {
 protected:
  static constexpr auto* kQuickRetry = "retry = { initial = \"100ms\", max = \"1s\" }\n";
  static constexpr auto* kAtOnce = "delay = \"0s\"\n";

  /// A target on the sshd that was made for `host`; the others' settings are the lines of a table.
  std::string target_on(const std::string& host, const std::string& name,
                        const std::string& settings = "");
  /// An sshd with these lines of sshd_config(5), or elsewhere; to be asked for before the first
  /// target on it.
  SshServer& server_with(const std::string& host, const std::string& settings, SshHost where = {});

  /// A program of this name, with `before` run ahead of the real rsync; bash(1). It notes each run
  /// but that for --version.
  fs::path stand_in(const std::string& name, const std::string& before = "") const;
  /// The group setting that uses it on this side, and noting alone.
  std::string noting_rsync(const std::string& before = "") const;
  /// Arguments of every run of a stand-in so far, a line for each.
  std::vector<std::string> runs(const std::string& name = "rsync-here") const;

  /// The daemon's own children whose command lines hold `text`.
  std::vector<pid_t> children(const std::string& text) const;
  /// The rsync that was started ahead for a target that is idle; waits for it.
  pid_t standby(const std::string& target);
  /// Another one than `before`.
  bool standby_is_renewed(const std::string& target, pid_t before);
  bool all_end(const std::vector<pid_t>& pids) const;

  Finished mirrorctl(Arguments arguments);
  std::string last_error(const std::string& target, const std::string& group = "web");
  int64_t number(const std::string& target, const std::string& property);
  testing::AssertionResult error_names(const std::string& target, const std::string& words);

  bool signal_reload();
};

size_t count(const std::string& text, const std::string& word);
bool contains(const std::string& text, const std::string& part);

}  // namespace mirrord::test
