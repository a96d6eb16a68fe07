// The story with two targets over ssh, for tests of what is watched.
//
// A WatchLab is a Lab whose group "web" has two remote targets, and a second group, "witness",
// whose changes arrive after whatever must not happen to the first. It counts the daemon's watches
// and log lines, and mounts file systems that only this process and its children see.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "e2e/lab.hpp"

namespace mirrord::test {

/// For trees so large that a busy machine needs its time for them.
inline constexpr milliseconds kLong{60'000};

class WatchLab : public Lab {
 protected:
  const std::vector<std::string> both{"tgt1", "tgt2"};

  void SetUp() override;
  void TearDown() override;

  GroupText web(const std::string& settings = "");
  /// Both groups, up to the end of the first sync.
  void begin(const std::string& settings = "", const Comparison& comparison = {});

  testing::AssertionResult equal(const std::string& what, const Comparison& comparison = {});
  /// Equal but for some paths, which (with all below them) neither target may have.
  testing::AssertionResult equal_without(const std::string& what,
                                         const std::vector<std::string>& left_out);
  /// Equal outside of some paths, whatever is there.
  testing::AssertionResult equal_outside(const std::string& what,
                                         const std::vector<std::string>& paths, bool owners = true);
  /// Equal by the word of rsync alone, which knows rules that a snapshot does not.
  testing::AssertionResult equal_to_rsync(const std::string& what, const Arguments& options);

  testing::AssertionResult both_become(const std::string& state);
  testing::AssertionResult becomes(const std::string& group, const std::string& state,
                                   milliseconds limit);
  std::string problem(const std::string& group = "web");

  /// Asks for a full sync of everything, and waits for what comes after whatever that does.
  testing::AssertionResult full_sync_and_witness();
  /// A change of the other group, made now, arrives.
  testing::AssertionResult witness();

  std::vector<Tree> copies() const;
  testing::AssertionResult copies_are(const std::vector<Tree>& before) const;

  /// inotify watches of the daemon, proc(5) /proc/PID/fdinfo.
  size_t watches() const;
  /// After churn there are as many watches as a fresh daemon needs, which takes the old one's
  /// place.
  testing::AssertionResult none_leaked();
  size_t logged(const std::string& text) const;

  /// Whether this process has mounts of its own by now; false says that it may not.
  bool own_mounts();
  void mount_tmpfs(const fs::path& where, const std::string& size = "8m");
  void bind(const fs::path& what, const fs::path& where);
  void unmount(const fs::path& where);

 private:
  int witnesses_ = 0;
};

}  // namespace mirrord::test
