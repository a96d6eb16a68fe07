// Which arguments of rsync a user may add in [.rsync] `options`, and which not.
//
// mirrord builds rsync's command line and reads what it prints; an argument that changes either
// would break a promise (a lost change, an unsafe deletion), so it is refused by name.
#pragma once

#include <optional>
#include <string_view>

namespace mirrord {

/// Why rsync must not be given `option`, or nothing when it may. Options as in rsync(1).
std::optional<std::string_view> refused_rsync_option(std::string_view option);

/// Whether the value of `option` is the argument that follows it.
bool value_follows(std::string_view option);

}  // namespace mirrord
