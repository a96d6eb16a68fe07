// File names packed one behind the other: a length byte and the bytes, no allocation for each.
//
// A name is 255 bytes at most, NAME_MAX. Removed names leave garbage, which collect() squeezes
// out when it has become the larger part.
#pragma once

#include <cassert>
#include <cstdint>
#include <string_view>
#include <vector>

namespace mirrord {

class NameArena {
 public:
  using Offset = uint32_t;

  Offset add(std::string_view name) {
    assert(name.size() <= 255);
    auto offset = static_cast<Offset>(bytes_.size());
    bytes_.push_back(static_cast<char>(name.size()));
    bytes_.insert(bytes_.end(), name.begin(), name.end());
    return offset;
  }

  void remove(Offset offset) { garbage_ += at(offset).size() + 1; }

  std::string_view at(Offset offset) const {
    return {bytes_.data() + offset + 1, static_cast<unsigned char>(bytes_[offset])};
  }

  bool wants_collection() const { return garbage_ > 65536 && garbage_ > bytes_.size() / 2; }
  size_t bytes() const { return bytes_.size(); }

 private:
  std::vector<char> bytes_;
  size_t garbage_ = 0;
};

}  // namespace mirrord
