// Three targets of one group, of which one is to suffer, for tests that ask what a fault costs the
// others.
//
// "victim" and "far" are behind an sshd each, "near" is a directory here. A FaultLab judges that
// the others go on *while* the victim suffers, that the log and the daemon's memory stay bounded,
// and that in the end nothing is lost.
#pragma once

#include <string>
#include <vector>

#include "e2e/transfer_lab.hpp"

namespace mirrord::test {

class FaultLab : public TransferLab {
 protected:
  const std::vector<std::string> all{"victim", "far", "near"};

  /// Up to the end of the first sync, unless the victim suffers from the start.
  /// `of_victim` and `of_group` are TOML: lines of its table, and of the group's.
  void begin(const std::string& of_victim = "", const std::string& of_group = "",
             const Environment& environment = {});

  /// Edits arrive on the other two, and the victim still suffers when they have.
  testing::AssertionResult others_go_on();
  testing::AssertionResult nothing_is_lost();

  /// Resident, in MB; proc(5) /proc/PID/status.
  size_t memory() const;

 private:
  int edits_ = 0;
};

}  // namespace mirrord::test
