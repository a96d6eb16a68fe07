// A failing history made short: delta debugging (Zeller), with a judge that may be unsteady.
#pragma once

#include <algorithm>
#include <vector>

namespace mirrord::test {

/// A part of `all` that still fails and of which no single element can be left out. `fails` is
/// asked about shorter and shorter parts; it answers false where it is not sure.
template <class Element, class Fails>
std::vector<Element> shrink(std::vector<Element> all, Fails fails) {
  size_t size = all.size() / 2;
  while (size > 0) {
    bool shorter = false;
    for (size_t start = 0; start < all.size();) {
      std::vector<Element> rest = all;
      const auto first = rest.begin() + static_cast<std::ptrdiff_t>(start);
      const size_t count = std::min(size, all.size() - start);
      rest.erase(first, first + static_cast<std::ptrdiff_t>(count));
      if (fails(rest)) {
        all = std::move(rest);
        shorter = true;
      } else {
        start += count;
      }
    }
    size = shorter ? std::min(size, std::max<size_t>(1, all.size() / 2)) : size / 2;
  }
  return all;
}

}  // namespace mirrord::test
