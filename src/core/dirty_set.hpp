// What is not yet mirrored to one target: paths, and how much of each is in doubt.
//
// A path is in it once, however often it changed; a tree absorbs what is below it. When it would
// grow beyond kLimit it collapses: into the directories of its paths, each to be compared one level
// deep, and where these are many, too, into a single wish for a full comparison. So its memory is
// bounded whatever the length of an outage. take() empties by batches; merge() gives back.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/change.hpp"
#include "core/model.hpp"
#include "core/shared_path.hpp"

namespace mirrord {

/// Changed paths of one kind, taken out together.
struct Batch {
  ChangeKind kind = ChangeKind::data;
  std::vector<std::string> paths;
  Instant oldest{};         ///< no later than the first change in it
  bool has_failed = false;  ///< before, while the target answered
};

class DirtySet {
 public:
  static constexpr size_t kLimit = 100'000;
  static constexpr size_t kBatchLimit = 10'000;

  /// False when the set cannot hold it: it is empty now, and everything is in doubt.
  [[nodiscard]] bool add(const SharedPath& path, ChangeKind kind, Instant now);
  [[nodiscard]] bool merge(const DirtySet& other);

  /// Up to kBatchLimit paths of the kind that has waited longest. The set must not be empty.
  Batch take();
  /// The same of one kind, which must not be empty.
  Batch take(ChangeKind kind);
  bool has(ChangeKind kind) const { return !lane(kind).paths.empty(); }
  /// Lets trees go along with a batch of data, or the other way round, if there is room: a renamed
  /// directory is a path that has gone and a tree that has come, but one batch. A path that is no
  /// directory is treated the same with a tree's options.
  void join_trees_and_data(Batch& batch);
  void clear();

  bool empty() const { return size() == 0; }
  size_t size() const;
  /// Whether this path is in doubt, by itself or as part of a directory.
  bool covers(const std::string& path) const;
  /// Whether it goes along with a tree.
  bool in_tree(const std::string& path) const;
  std::optional<Instant> oldest() const;
  /// As what exactly this path is in it.
  std::optional<ChangeKind> kind_of(const std::string& path) const;
  /// Erases exactly these paths, where no more than `kind` of them is in doubt.
  void erase(const std::vector<std::string>& paths, ChangeKind kind);
  /// Erases what is below; since when the oldest of it has been waiting.
  Instant erase_below(const std::string& path);

 private:
  using Paths = std::set<SharedPath, SharedPath::Less>;
  struct Lane {
    Paths paths;
    Instant oldest{};
  };
  Lane& lane(ChangeKind kind) { return lanes_[static_cast<size_t>(kind)]; }
  const Lane& lane(ChangeKind kind) const { return lanes_[static_cast<size_t>(kind)]; }
  bool collapse();
  Lane* covering(const std::string& path, ChangeKind kind);

  std::array<Lane, 4> lanes_;  // by ChangeKind
};

}  // namespace mirrord
