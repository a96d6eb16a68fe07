// Which paths rsync complains about on its standard error.
//
// Exit statuses 23 and 24 say that some paths failed, only these lines say which. A line that is
// not understood makes the answer "any": better a path sent twice than one left behind.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace mirrord {

struct Complaints {
  std::vector<std::string> paths;
  /// Their owners, modes or times could not be set, as on a directory of the target that belongs
  /// to somebody else. Contents are not concerned, nor is what is below.
  std::vector<std::string> attributes = {};
  bool operator==(const Complaints&) const = default;
};

/// Paths below the source; nothing when some line tells no path, or when the source itself failed.
/// `source` and `destination` are the directories in whose terms rsync speaks of them.
std::optional<Complaints> read_complaints(const std::string& error, const std::string& source,
                                          const std::string& destination);

}  // namespace mirrord
