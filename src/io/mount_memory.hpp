// The mount points that mattered to the last process, so that one that is missing at the start is
// taken for lost, and not for emptied.
//
// Owns the file $STATE_DIRECTORY/mounts: paths, each with a NUL behind it. What cannot be written
// is told, and ends nothing.
#pragma once

#include <set>
#include <string>

namespace mirrord {

class MountMemory {
 public:
  /// One that does not write reads only: what runs beside the service may not forget for it.
  explicit MountMemory(bool writes);

  const std::set<std::string>& known() const { return known_; }
  /// Replaces what is known, in the file too, so that a power failure does not lose it.
  void remember(std::set<std::string> mount_points);

 private:
  void write() const;

  std::string file_;
  bool writes_;
  std::set<std::string> known_;
};

}  // namespace mirrord
