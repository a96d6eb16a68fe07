#include "core/open_files.hpp"

namespace mirrord {

void OpenFiles::created(const std::string& path, Instant deadline) {
  auto [known, fresh] = deadlines_.try_emplace(path, deadline);
  if (fresh) queue_.emplace(deadline, path);
}

void OpenFiles::settled(const std::string& path) {
  auto known = deadlines_.find(path);
  if (known == deadlines_.end()) return;
  queue_.erase({known->second, path});
  deadlines_.erase(known);
}

std::vector<std::string> OpenFiles::take_due(Instant now) {
  std::vector<std::string> due;
  while (!queue_.empty() && queue_.begin()->first <= now) {
    due.push_back(queue_.begin()->second);
    settled(due.back());
  }
  return due;
}

std::optional<Instant> OpenFiles::next_deadline() const {
  if (queue_.empty()) return std::nullopt;
  return queue_.begin()->first;
}

}  // namespace mirrord
