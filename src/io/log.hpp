// Log lines to the journal, with fields, or to standard error.
//
// spdlog keeps the level and the sinks. Under the journal each line is one entry with the fields
// that mirrord(8) promises (MIRRORD_GROUP= and so on); on standard error the fields are dropped
// and each line begins with "<N>", sd-daemon(3), unless a person reads it on a terminal.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/model.hpp"

namespace mirrord::log {

enum class Target { automatic, journal, standard_error };

struct Field {
  std::string_view name;  ///< as the journal wants it: upper case
  std::string value;
};
using Fields = std::vector<Field>;

/// MESSAGE_ID= of what an operator must act on; each has an entry in units/mirrord.catalog.
namespace message {
inline constexpr std::string_view kSyncFailed = "69858d77575c4387915658ce688be3cc";
inline constexpr std::string_view kRecovered = "cc7c0bbf9a694d76b49c47697a8e9895";
inline constexpr std::string_view kSourceMissing = "e7bb23eb087e4b9e9b144dec3e928fb7";
inline constexpr std::string_view kSourceBack = "0afcbab0bfd1437c9bf9ea56f33e4360";
inline constexpr std::string_view kWatchLimit = "98357840caf247d785ce3220973fe29f";
inline constexpr std::string_view kQueueOverflow = "218e43b17e2648e78def0f7013e62dfa";
inline constexpr std::string_view kDeletionHeld = "5f7c3d1e9f0e4b2c8a3a5d1f6c2b9e47";
inline constexpr std::string_view kConfigRefused = "0fcffd77dfa94a59ac3946eeb6d3bb7c";
inline constexpr std::string_view kReloaded = "52099d5966254f57b51d689e4f2cdbc8";
inline constexpr std::string_view kWatchdogWithheld = "49a1d3fae0374d87928b97fcb528f72c";
}  // namespace message

/// Chooses the sink; automatic takes the journal when standard error leads there.
void open(Target target, LogLevel level);
void set_target(Target target);
/// Where lines go: never automatic.
Target target();
void set_level(LogLevel level);
LogLevel level();

/// As syslog(3) and systemd name them: "emerg" to "debug".
const char* to_string(LogLevel level);
std::optional<LogLevel> level_named(std::string_view name);

void write(LogLevel level, std::string_view message, const Fields& fields = {});

}  // namespace mirrord::log
