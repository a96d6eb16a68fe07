// File names packed one behind the other: their length and the bytes, no allocation for each.
//
// A name may be longer than NAME_MAX: vfat's 255 characters are up to 765 bytes, FUSE's 1024.
// Removed names leave garbage; whoever owns the arena makes it anew when that is the larger part.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace mirrord {

class NameArena {
 public:
  using Offset = uint32_t;

  Offset add(std::string_view name) {
    auto offset = static_cast<Offset>(bytes_.size());
    bytes_.push_back(static_cast<char>(name.size() >> 8));
    bytes_.push_back(static_cast<char>(name.size()));
    bytes_.insert(bytes_.end(), name.begin(), name.end());
    return offset;
  }

  void remove(Offset offset) { garbage_ += at(offset).size() + kLength; }

  std::string_view at(Offset offset) const {
    const auto high = static_cast<unsigned char>(bytes_[offset]);
    const auto low = static_cast<unsigned char>(bytes_[offset + 1]);
    return {bytes_.data() + offset + kLength, high * size_t{256} + low};
  }

  bool wants_collection() const { return garbage_ > 65536 && garbage_ > bytes_.size() / 2; }

 private:
  static constexpr size_t kLength = 2;
  std::vector<char> bytes_;
  size_t garbage_ = 0;
};

}  // namespace mirrord
