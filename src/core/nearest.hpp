// "Did you mean": the known word nearest to a misspelt one.
//
// Nearness is the number of single mistakes between two words: a letter left out, added, wrong,
// or swapped with its neighbour. A word too far from everything has no nearest one, because a
// wild guess misleads more than none.
#pragma once

#include <string_view>
#include <vector>

namespace mirrord {

/// The nearest of `known`; of equally near ones the first. Empty when none is near enough.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace mirrord
