// Files that were just created and that their writer still holds open.
//
// open(2) with O_CREAT announces a file before anything is in it. Sending it then would send half
// a file, so it waits here for its close; a writer that keeps it open is waited for no longer
// than `max_delay`. Pure: deadlines are results.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/model.hpp"

namespace mirrord {

class OpenFiles {
 public:
  void created(const std::string& path, Instant deadline);
  /// Something newer is known of the path: its own change is on its way.
  void settled(const std::string& path);
  /// Paths that were waited for long enough.
  std::vector<std::string> take_due(Instant now);
  std::optional<Instant> next_deadline() const;
  size_t size() const { return deadlines_.size(); }

 private:
  std::map<std::string, Instant> deadlines_;
  std::set<std::pair<Instant, std::string>> queue_;
};

}  // namespace mirrord
