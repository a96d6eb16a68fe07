// Files that are perhaps being written, waiting for their close.
//
// open(2) with O_CREAT announces a file before anything is in it, and write(2) reports each piece.
// Sending it then would send half a file, so it waits here. A created file is waited for no longer
// than `max_delay`. Each is looked at after a moment, because no close may follow: of a name that
// was made by link(2), and of what truncate(2) or utimensat(2) has changed. Pure: deadlines are
// results.
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
  struct File {
    std::string path;
    bool created = false;  ///< not there before; else modified
    Instant since{};       ///< when that was told
    bool operator==(const File&) const = default;
  };

  void created(const std::string& path, Instant now, Instant deadline) {
    wait({path, true, now}, deadline);
  }
  void modified(const std::string& path, Instant now, Instant deadline) {
    wait({path, false, now}, deadline);
  }
  /// Something newer is known of the path: its own change is on its way.
  void settled(const std::string& path);
  /// Whether the path waits, and is new: there is nothing of it to be sent yet.
  bool holds_new(const std::string& path) const;
  /// All of them, however long they have waited.
  std::vector<File> take_all();
  /// Files that were waited for long enough.
  std::vector<File> take_due(Instant now);
  std::optional<Instant> next_deadline() const;
  size_t size() const { return deadlines_.size(); }

 private:
  struct Wait {
    Instant deadline, since;
    bool created;
  };
  void wait(const File& file, Instant deadline);

  std::map<std::string, Wait> deadlines_;
  std::set<std::pair<Instant, std::string>> queue_;
};

}  // namespace mirrord
