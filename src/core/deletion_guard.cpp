#include "core/deletion_guard.hpp"

#include <limits>

namespace mirrord {

uint64_t deletion_limit(const MaxDelete& max_delete, uint64_t entries) {
  if (max_delete.count) return *max_delete.count;
  if (max_delete.percent)
    return static_cast<uint64_t>(static_cast<double>(entries) * *max_delete.percent / 100.0);
  return std::numeric_limits<uint64_t>::max();
}

Verdict judge_deletions(const MaxDelete& max_delete, bool source_is_empty,
                        const Outcome& outcome) {
  bool allowed =
      !source_is_empty && outcome.extraneous <= deletion_limit(max_delete, outcome.entries);
  return allowed ? Verdict::withheld : Verdict::held;
}

}  // namespace mirrord
