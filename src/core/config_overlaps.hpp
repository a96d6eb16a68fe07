// Groups whose targets share a place, so that one deletes what the other sends.
//
// It compares what is written in the configuration: that two names lead to one host, or a link on
// it to one directory, nobody here can know. So it warns, and refuses nothing.
#pragma once

#include <string>
#include <vector>

#include "core/model.hpp"

namespace mirrord {

struct Overlap {
  std::string group;    ///< the one that deletes
  std::string message;  ///< a sentence for its user
};

std::vector<Overlap> find_overlaps(const std::vector<Group>& groups);

}  // namespace mirrord
