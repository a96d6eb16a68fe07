// How one rsync ended, as the scheduler and people need to know it.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mirrord {

enum class Verdict {
  done,      ///< everything in the batch is on the target
  again,     ///< files vanished meanwhile: look again at what was in the batch
  partial,   ///< the target answers, but some paths failed
  withheld,  ///< everything was sent, but more would have to be deleted than this run might
  held,      ///< the same, and more than the deletion guard allows
  failed,    ///< the target, the connection or rsync itself failed: everything stays
};

/// What not every rsync can do.
enum class Feature {
  missing_args,  ///< --delete-missing-args
  nanoseconds,   ///< --modify-window=-1
};

struct Outcome {
  Verdict verdict = Verdict::failed;
  int exit_status = 0;    ///< of rsync; 128 + N when signal N killed it
  std::string text;       ///< why, in words for everybody, without file names; empty when done
  std::string complaint;  ///< the first line of rsync's or ssh's own words
  uint64_t files = 0;     ///< regular files transferred
  uint64_t bytes = 0;     ///< sent over the connection
  /// The paths that did not arrive; nothing = any may be missing. Of `failed`: those at which the
  /// run ended, so that others may be missing, too.
  std::optional<std::vector<std::string>> unsent;
  /// Paths that have arrived, but for their owners, modes or times.
  std::vector<std::string> unset;
  /// Of `withheld` and `held`: how many entries of the target's are too much.
  uint64_t extraneous = 0;
  /// Of a comparison: how many entries the target held when it began; 0 = unknown.
  uint64_t entries = 0;
  /// What the other side does not know, or refuses.
  std::optional<Feature> refuses;
  /// Something could not be listed, and rsync has left out deletions.
  bool deleted_part = false;

  bool sent_all() const { return unsent && unsent->empty() && unset.empty(); }
  /// How many paths failed, each counted once, however often rsync complains of it; 0 = unknown.
  size_t failed_paths() const {
    if (!unsent) return 0;
    std::set<std::string_view> paths(unsent->begin(), unsent->end());
    paths.insert(unset.begin(), unset.end());
    return paths.size();
  }
};

/// Of what could not even be tried.
inline Outcome failed_because(std::string text) {
  Outcome outcome;
  outcome.text = std::move(text);
  return outcome;
}

}  // namespace mirrord
