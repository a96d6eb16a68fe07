// How much a process has read and written: the sign of life of one that waits for another host,
// proc(5).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace mirrord {

/// Bytes that it and its descendants have read and written, of files and connections. `but_for`:
/// the name of a program that is passed over with its own descendants, because it reads whatever
/// happens. Nothing when the system does not tell us of all of them.
std::optional<uint64_t> bytes_moved_by(pid_t process, const std::string& but_for);

}  // namespace mirrord
