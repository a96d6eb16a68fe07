// The state of the service as a person reads it in a terminal: what `mirrorctl status` prints.
//
// One line per group, one aligned line per target below it, and the reason, indented, where
// something is wrong. Pure: the time is an argument, and so is whether the reader sees colours.
#pragma once

#include <cstdint>
#include <string>

#include "core/status.hpp"

namespace mirrord {

struct StatusView {
  uint64_t now_usec = 0;  ///< CLOCK_REALTIME, as the times in Status
  bool colours = false;   ///< ECMA-48 sequences around states and names of groups
  size_t bar_width = 0;   ///< of a bar for the progress of a full sync; 0 = only the number
};

std::string status_text(const Status& status, const StatusView& view);

/// As many lines of a text as there are rows, at least one; the last then tells of those left out.
std::string fitting(const std::string& text, size_t rows);

/// At most two units, no more exact than a person needs: "120 ms", "3 s", "5 min 3 s", "2 d 4 h".
std::string human_duration(uint64_t usec);

/// "950 B", "1.2 MB"
std::string human_bytes(uint64_t bytes);

/// "12,345"
std::string human_number(uint64_t number);

}  // namespace mirrord
