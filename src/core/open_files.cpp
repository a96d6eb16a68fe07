#include "core/open_files.hpp"

namespace mirrord {

void OpenFiles::wait(const File& file, Instant deadline) {
  auto [known, fresh] = deadlines_.try_emplace(file.path, Wait{deadline, file.since, file.created});
  if (fresh) queue_.emplace(deadline, file.path);
}

bool OpenFiles::holds_new(const std::string& path) const {
  auto known = deadlines_.find(path);
  return known != deadlines_.end() && known->second.created;
}

void OpenFiles::settled(const std::string& path) {
  auto known = deadlines_.find(path);
  if (known == deadlines_.end()) return;
  queue_.erase({known->second.deadline, path});
  deadlines_.erase(known);
}

std::vector<OpenFiles::File> OpenFiles::take_due(Instant now) {
  std::vector<File> due;
  while (!queue_.empty() && queue_.begin()->first <= now) {
    const std::string& path = queue_.begin()->second;
    const Wait& wait = deadlines_.at(path);
    due.push_back({path, wait.created, wait.since});
    settled(due.back().path);
  }
  return due;
}

std::optional<Instant> OpenFiles::next_deadline() const {
  if (queue_.empty()) return std::nullopt;
  return queue_.begin()->first;
}

std::vector<OpenFiles::File> OpenFiles::take_all() { return take_due(Instant::max()); }

}  // namespace mirrord
