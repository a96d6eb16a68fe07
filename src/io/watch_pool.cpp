#include "io/watch_pool.hpp"

#include <algorithm>
#include <utility>

#include "core/path.hpp"

namespace mirrord {

WatchPool::WatchPool(Loop& loop, TreeWatcher::Listener listener, bool writes)
    : loop_(loop),
      listener_(std::move(listener)),
      mounts_(writes),
      remember_timer_(loop.timer([this] { remember_mounts(); })) {}

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
  auto tree = trees_.find(rules);
  if (tree == trees_.end()) tree = trees_.emplace(rules, SharedTree{watch(rules)}).first;
  ++tree->second.users;
  return tree->second.id;
}

TreeId WatchPool::watch(const TreeRules& rules) {
  Member& member = members_[choose(rules.source)];
  member.sources.insert(rules.source);
  member.watcher->expect_mounts(mounts_.known());
  return member.watcher->add(rules);
}

void WatchPool::remove(TreeId tree) {
  const auto known =
      std::ranges::find_if(trees_, [&](const auto& entry) { return entry.second.id == tree; });
  if (--known->second.users > 0) return;
  unwatch(tree);
  trees_.erase(known);
}

void WatchPool::unwatch(TreeId tree) {
  Member& member = members_[index_of(tree)];
  member.sources.erase(member.sources.find(member.watcher->source(tree)));
  member.watcher->remove(tree);
}

void WatchPool::drain() {
  for (Member& member : members_)
    if (member.watcher) member.watcher->drain();
}

bool WatchPool::knows_all() const {
  return std::ranges::all_of(trees_, [&](const auto& entry) {
    const TreeId tree = entry.second.id;
    return of(tree).state(tree) == TreeState::watching && !of(tree).is_crawling(tree);
  });
}

void WatchPool::remember_mounts() {
  remember_at_.reset();
  std::set<std::string> matter;
  for (const Member& member : members_) matter.merge(member.watcher->mounts_that_matter());
  if (!knows_all()) matter.insert(mounts_.known().begin(), mounts_.known().end());
  mounts_.remember(std::move(matter));
}

void WatchPool::remember_mounts_within(Duration delay) {
  const Instant at = loop_.now() + delay;
  if (remember_at_ && *remember_at_ <= at) return;
  remember_at_ = at;
  loop_.arm(remember_timer_, at);
}

std::vector<std::string> WatchPool::undone() const {
  std::vector<std::string> undone;
  for (const Member& member : members_)
    for (std::string& duty : member.watcher->undone()) undone.push_back(std::move(duty));
  return undone;
}

}  // namespace mirrord
