// A hash table of small ids whose keys live elsewhere: 4 bytes a slot.
//
// The watch map has one entry per watched directory, up to millions; a node-based set would cost
// 40 bytes for each. Open addressing with linear probing; erasing shifts back, so there are no
// tombstones. Id 0 marks a free slot. The caller brings the hash and the comparison.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mirrord {

class IdTable {
 public:
  /// The id with this hash for which `matches(id)`, or 0.
  template <class Matches>
  uint32_t find(size_t hash, Matches matches) const {
    if (slots_.empty()) return 0;
    for (size_t i = hash & mask(); slots_[i] != 0; i = (i + 1) & mask())
      if (matches(slots_[i])) return slots_[i];
    return 0;
  }

  /// `hash_of(id)` must give the hash of any id in the table.
  template <class HashOf>
  void insert(uint32_t id, HashOf hash_of) {
    if ((size_ + 1) * 4 > slots_.size() * 3) grow(hash_of);
    place(id, hash_of(id));
    ++size_;
  }

  /// `id` must be in the table.
  template <class HashOf>
  void erase(uint32_t id, HashOf hash_of) {
    size_t hole = hash_of(id) & mask();
    while (slots_[hole] != id) hole = (hole + 1) & mask();
    for (size_t i = (hole + 1) & mask(); slots_[i] != 0; i = (i + 1) & mask()) {
      size_t home = hash_of(slots_[i]) & mask();
      // It may move back only if the hole is not before its home slot.
      if (((i - home) & mask()) < ((i - hole) & mask())) continue;
      slots_[hole] = slots_[i];
      hole = i;
    }
    slots_[hole] = 0;
    --size_;
  }

  size_t size() const { return size_; }

 private:
  size_t mask() const { return slots_.size() - 1; }

  void place(uint32_t id, size_t hash) {
    size_t i = hash & mask();
    while (slots_[i] != 0) i = (i + 1) & mask();
    slots_[i] = id;
  }

  template <class HashOf>
  void grow(HashOf hash_of) {
    std::vector<uint32_t> old(slots_.empty() ? 16 : slots_.size() * 2);
    old.swap(slots_);
    for (uint32_t id : old)
      if (id != 0) place(id, hash_of(id));
  }

  std::vector<uint32_t> slots_;  // a power of two, or none
  size_t size_ = 0;
};

}  // namespace mirrord
