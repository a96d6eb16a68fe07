// Transfers for the tests of core/rsync, here and against the real one in tests/io.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/rsync.hpp"

namespace mirrord::test {

/// A transfer of this lane, with what is hidden from it and what it passes over.
inline Transfer in_lane(Lane lane, std::vector<std::string> hidden = {},
                        std::vector<std::string> unreadable = {}) {
  Transfer transfer;
  transfer.lane = lane;
  transfer.hidden = std::move(hidden);
  transfer.unreadable = std::move(unreadable);
  return transfer;
}

inline Transfer without_deletions(Lane lane) {
  Transfer transfer = in_lane(lane);
  transfer.may_delete = false;
  return transfer;
}

}  // namespace mirrord::test
