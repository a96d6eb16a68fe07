// How one rsync ended, as the scheduler and people need to know it.
#pragma once

#include <cstdint>
#include <string>

namespace mirrord {

enum class Verdict {
  done,     ///< everything in the batch is on the target
  again,    ///< files vanished meanwhile: look again at what was in the batch
  partial,  ///< the target answers, but some paths failed
  failed,   ///< the target, the connection or rsync itself failed: everything stays
};

struct Outcome {
  Verdict verdict = Verdict::failed;
  int exit_status = 0;    ///< of rsync; 128 + N when signal N killed it
  std::string text;       ///< why, in words for everybody, without file names; empty when done
  std::string complaint;  ///< the first line of rsync's or ssh's own words
  uint64_t files = 0;     ///< regular files transferred
  uint64_t bytes = 0;     ///< sent over the connection
};

}  // namespace mirrord
