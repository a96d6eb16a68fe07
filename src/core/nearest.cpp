#include "core/nearest.hpp"

#include <algorithm>
#include <cstddef>

namespace mirrord {
namespace {

/// One mistake in three letters still looks like a slip, more is another word.
bool looks_like_a_slip(size_t mistakes, size_t longer_length) {
  return mistakes * 3 <= longer_length;
}

/// Optimal string alignment distance, one row of its table after the other.
size_t count_mistakes(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last, last(b.size() + 1), current(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t wrong = a[i - 1] == b[j - 1] ? 0 : 1;
      current[j] = std::min({last[j] + 1, current[j - 1] + 1, last[j - 1] + wrong});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) current[j] = std::min(current[j], before_last[j - 2] + 1);
    }
    before_last = last;
    last = current;
  }
  return last[b.size()];
}

}  // namespace

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known) {
  std::string_view best;
  size_t fewest = word.size();
  for (const std::string_view candidate : known) {
    const size_t longer = std::max(word.size(), candidate.size());
    const size_t shorter = std::min(word.size(), candidate.size());
    // The lengths alone decide for most, which also bounds the work for an absurdly long word.
    if (!looks_like_a_slip(longer - shorter, longer)) continue;
    const size_t mistakes = count_mistakes(word, candidate);
    if (mistakes >= fewest || !looks_like_a_slip(mistakes, longer)) continue;
    fewest = mistakes;
    best = candidate;
  }
  return best;
}

}  // namespace mirrord
