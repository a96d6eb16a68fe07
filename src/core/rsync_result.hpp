// What the end of an rsync means: its exit status, its complaints and its --stats as an Outcome.
//
// Facts: rsync(1) EXIT VALUES, and the words that rsync 3.0.9 to 3.5 print with LC_ALL=C.
#pragma once

#include <string>

#include "core/outcome.hpp"

namespace mirrord {

/// How a run ended, as the process saw it.
struct RsyncEnd {
  int exit_status = 0;
  int signal = 0;      ///< that killed it, 0 = none
  std::string output;  ///< standard output, its end
  std::string error;   ///< standard error, its end
  bool error_is_whole = true;
  bool deletes = true;  ///< it had an option to
};

/// `source` and `destination` are the directories of the run; they tell which path below them a
/// complaint is about.
Outcome interpret(const RsyncEnd& end, const std::string& source, const std::string& destination);

/// What ssh's own end means when it was to open a connection. `error` is its standard error.
Outcome connection_failure(const std::string& error);

/// The last share of the work in the output of --info=progress2, 0 to 1, of the bytes or of the
/// entries, whichever is more; -1 = nothing said yet.
double read_progress(const std::string& output);

}  // namespace mirrord
