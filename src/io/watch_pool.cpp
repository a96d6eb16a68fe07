#include "io/watch_pool.hpp"

#include <algorithm>

#include "core/path.hpp"

namespace mirrord {

size_t WatchPool::choose(const std::string& source) {
  auto overlapping = std::ranges::find_if(members_, [&](const Member& member) {
    return std::ranges::any_of(
        member.sources, [&](const std::string& other) { return paths_overlap(source, other); });
  });
  if (overlapping != members_.end()) return static_cast<size_t>(overlapping - members_.begin());
  auto least = std::ranges::min_element(members_, {},
                                        [](const Member& member) { return member.sources.size(); });
  bool room = members_.size() < kMaxWatchers;
  if (least != members_.end() && (least->sources.empty() || !room))
    return static_cast<size_t>(least - members_.begin());
  auto first_tree = static_cast<TreeId>(members_.size()) * kTreesPerWatcher + 1;
  auto watcher = std::make_unique<TreeWatcher>(loop_, listener_, first_tree);
  // At the limit of instances an existing one is shared; without any, the trees are compared.
  if (!watcher->can_watch() && least != members_.end())
    return static_cast<size_t>(least - members_.begin());
  members_.push_back({std::move(watcher), {}});
  return members_.size() - 1;
}

TreeId WatchPool::add(const TreeRules& rules) {
  Member& member = members_[choose(rules.source)];
  member.sources.insert(rules.source);
  member.watcher->expect_mounts(expected_);
  return member.watcher->add(rules);
}

void WatchPool::remove(TreeId tree) {
  Member& member = members_[index_of(tree)];
  member.sources.erase(member.sources.find(member.watcher->source(tree)));
  member.watcher->remove(tree);
}

void WatchPool::drain() {
  for (Member& member : members_)
    if (member.watcher) member.watcher->drain();
}

std::set<std::string> WatchPool::mounts_that_matter() const {
  std::set<std::string> all;
  for (const Member& member : members_) all.merge(member.watcher->mounts_that_matter());
  return all;
}

std::vector<std::string> WatchPool::undone() const {
  std::vector<std::string> undone;
  for (const Member& member : members_)
    for (std::string& duty : member.watcher->undone()) undone.push_back(std::move(duty));
  return undone;
}

}  // namespace mirrord
