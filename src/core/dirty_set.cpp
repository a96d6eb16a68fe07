#include "core/dirty_set.hpp"

#include <algorithm>
#include <cassert>

#include "core/path.hpp"
#include "core/related_paths.hpp"

namespace mirrord {

bool DirtySet::add(const SharedPath& path, ChangeKind kind, Instant now) {
  if (Lane* holder = covering(path, kind)) {
    holder->oldest = std::min(holder->oldest, now);
    return true;
  }
  // What the new entry replaces was waiting already; so does the entry.
  Instant oldest = now;
  for (size_t weaker = 0; weaker < static_cast<size_t>(kind); ++weaker)
    if (lanes_[weaker].paths.erase(path) != 0) oldest = std::min(oldest, lanes_[weaker].oldest);
  if (kind == ChangeKind::tree) oldest = std::min(oldest, erase_below(path));
  Lane& target = lane(kind);
  target.oldest = target.paths.empty() ? oldest : std::min(target.oldest, oldest);
  target.paths.insert(path);
  if (size() <= kLimit || collapse()) return true;
  clear();
  return false;
}

/// Names the directories of the paths in their place. False when that does not free half of the
/// set: it would be full again soon.
bool DirtySet::collapse() {
  Lane& children = lane(ChangeKind::children);
  for (ChangeKind kind : {ChangeKind::attributes, ChangeKind::data}) {
    Lane& named = lane(kind);
    if (named.paths.empty()) continue;
    children.oldest =
        children.paths.empty() ? named.oldest : std::min(children.oldest, named.oldest);
    for (const SharedPath& path : named.paths)
      if (std::string directory = parent_of(path); !children.paths.contains(directory))
        children.paths.insert(std::move(directory));
    named = {};
  }
  return size() <= kLimit / 2;
}

/// The lane that holds this path already, as a tree or at least as strongly.
DirtySet::Lane* DirtySet::covering(const std::string& path, ChangeKind kind) {
  if (in_tree(path)) return &lane(ChangeKind::tree);
  for (size_t stronger = static_cast<size_t>(kind); stronger < lanes_.size(); ++stronger)
    if (lanes_[stronger].paths.contains(path)) return &lanes_[stronger];
  return nullptr;
}

bool DirtySet::merge(const DirtySet& other) {
  for (size_t kind = 0; kind < lanes_.size(); ++kind)
    for (const SharedPath& path : other.lanes_[kind].paths)
      if (!add(path, static_cast<ChangeKind>(kind), other.lanes_[kind].oldest)) return false;
  return true;
}

Batch DirtySet::take() {
  assert(!empty());
  size_t chosen = lanes_.size();
  for (size_t kind = 0; kind < lanes_.size(); ++kind)
    if (!lanes_[kind].paths.empty() &&
        (chosen == lanes_.size() || lanes_[kind].oldest < lanes_[chosen].oldest))
      chosen = kind;
  return take(static_cast<ChangeKind>(chosen));
}

Batch DirtySet::take(ChangeKind kind) {
  Paths& paths = lane(kind).paths;
  Batch batch{kind, {}, lane(kind).oldest};
  auto end = paths.size() <= kBatchLimit ? paths.end() : std::next(paths.begin(), kBatchLimit);
  batch.paths.assign(paths.begin(), end);
  paths.erase(paths.begin(), end);
  return batch;
}

void DirtySet::join_trees_and_data(Batch& batch) {
  bool data = batch.kind == ChangeKind::data, tree = batch.kind == ChangeKind::tree;
  if (!data && !tree) return;
  Lane& other = lane(data ? ChangeKind::tree : ChangeKind::data);
  if (other.paths.empty() || batch.paths.size() + other.paths.size() > kBatchLimit) return;
  batch.kind = ChangeKind::tree;
  batch.oldest = std::min(batch.oldest, other.oldest);
  batch.paths.insert(batch.paths.end(), other.paths.begin(), other.paths.end());
  other.paths.clear();
}

void DirtySet::clear() { lanes_ = {}; }

size_t DirtySet::size() const {
  size_t sum = 0;
  for (const Lane& lane : lanes_) sum += lane.paths.size();
  return sum;
}

bool DirtySet::covers(const std::string& path) const {
  return in_tree(path) || lane(ChangeKind::children).paths.contains(parent_of(path)) ||
         std::ranges::any_of(lanes_, [&](const Lane& l) { return l.paths.contains(path); });
}

std::optional<Instant> DirtySet::oldest() const {
  std::optional<Instant> oldest;
  for (const Lane& lane : lanes_)
    if (!lane.paths.empty() && (!oldest || lane.oldest < *oldest)) oldest = lane.oldest;
  return oldest;
}

bool DirtySet::in_tree(const std::string& path) const {
  const Paths& trees = lane(ChangeKind::tree).paths;
  if (trees.empty()) return false;
  if (trees.contains("")) return true;
  for (size_t slash = path.size(); slash != std::string::npos && slash != 0;
       slash = path.rfind('/', slash - 1))
    if (trees.contains(path.substr(0, slash))) return true;
  return false;
}

std::optional<ChangeKind> DirtySet::kind_of(const std::string& path) const {
  for (size_t kind = 0; kind < lanes_.size(); ++kind)
    if (lanes_[kind].paths.contains(path)) return static_cast<ChangeKind>(kind);
  return std::nullopt;
}

void DirtySet::erase(const std::vector<std::string>& paths, ChangeKind kind) {
  for (size_t weaker = 0; weaker <= static_cast<size_t>(kind); ++weaker) {
    Paths& waiting = lanes_[weaker].paths;
    if (waiting.empty()) continue;
    for (const std::string& path : paths)
      if (auto found = waiting.find(path); found != waiting.end()) waiting.erase(found);
  }
}

Instant DirtySet::erase_below(const std::string& path) {
  Instant oldest = Instant::max();
  for (Lane& lane : lanes_) {
    auto [first, last] = range_below(lane.paths, path);
    if (first != last) oldest = std::min(oldest, lane.oldest);
    lane.paths.erase(first, last);
  }
  return oldest;
}

}  // namespace mirrord
