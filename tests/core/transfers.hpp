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

/// Sends everything, deletes nothing, and counts what is too much.
inline Transfer counting() {
  Transfer transfer = in_lane(Lane::full);
  transfer.max_delete = 0;
  return transfer;
}

inline Capabilities versions(RsyncVersion here, std::optional<RsyncVersion> there) {
  return {here, there};
}

}  // namespace mirrord::test
