// How much a process has read: the sign of life of one that waits for another host, proc(5).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace mirrord {

/// Bytes that it and its descendants have read, from files and connections. `but_for`: the name of
/// a program that is passed over with its own descendants, because it reads whatever happens.
/// Another number is a sign of life, also a smaller one, when a descendant has ended. Nothing when
/// the system does not tell us.
std::optional<uint64_t> bytes_read_by(pid_t process, const std::string& but_for);

}  // namespace mirrord
