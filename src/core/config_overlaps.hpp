// Groups in each other's way: their targets share a place, so that one deletes what the other
// sends, or each sends into the source of the next, so that what is sent comes round for ever.
//
// It compares what is written in the configuration: that two names lead to one host, or a link on
// it to one directory, nobody here can know. So it warns, and refuses only what is certain: a ring
// of local directories of which no rule keeps anything back.
#pragma once

#include <string>
#include <vector>

#include "core/config.hpp"

namespace mirrord {

struct Overlap {
  std::string group;    ///< the one that deletes, or the first of a ring
  std::string message;  ///< a sentence for its user
  Severity severity = Severity::warning;
};

std::vector<Overlap> find_overlaps(const std::vector<Group>& groups);

}  // namespace mirrord
