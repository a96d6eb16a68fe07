// Which paths rsync complains about on its standard error.
//
// Exit statuses 23 and 24 say that some paths failed, only these lines say which. A line that is
// not understood makes the answer "any": better a path sent twice than one left behind.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace mirrord {

/// Paths below the source; nothing when some line tells no path. `source` and `destination` are
/// the directories in whose terms rsync speaks of them.
std::optional<std::vector<std::string>> paths_complained_of(const std::string& error,
                                                            const std::string& source,
                                                            const std::string& destination);

}  // namespace mirrord
