#include "core/capabilities.hpp"

#include <charconv>

namespace mirrord {

namespace {

constexpr const char* kVersionLine = "rsync  version ";

bool at_least(const std::optional<RsyncVersion>& version, const RsyncVersion& wanted,
              bool if_unknown) {
  return version ? *version >= wanted : if_unknown;
}

}  // namespace

std::optional<RsyncVersion> parse_rsync_version(const std::string& output) {
  size_t at = output.find(kVersionLine);
  if (at == std::string::npos) return std::nullopt;
  const char* text = output.data() + at + std::char_traits<char>::length(kVersionLine);
  const char* end = output.data() + output.size();
  if (text != end && *text == 'v') ++text;
  RsyncVersion version;
  for (int* part : {&version.major, &version.minor, &version.patch}) {
    auto [rest, error] = std::from_chars(text, end, *part);
    if (error != std::errc()) return std::nullopt;
    text = rest != end && *rest == '.' ? rest + 1 : rest;
  }
  return version;
}

bool is_noisy(const std::string& version_output) {
  size_t at = version_output.find(kVersionLine);
  return at != std::string::npos && at != 0;
}

bool Capabilities::deletes_missing_args() const {
  return !refused.contains(Feature::missing_args) && at_least(here, {3, 1, 0}, true) &&
         at_least(there, {3, 1, 0}, true);
}

bool Capabilities::ignores_missing_args() const { return at_least(here, {3, 1, 0}, true); }

bool Capabilities::compares_nanoseconds() const {
  return !refused.contains(Feature::nanoseconds) && at_least(here, {3, 1, 3}, false) &&
         at_least(there, {3, 1, 3}, is_daemon);
}

bool Capabilities::makes_path() const {
  return at_least(here, {3, 2, 3}, false) && at_least(there, {3, 2, 3}, false);
}

bool Capabilities::shows_progress() const { return at_least(here, {3, 1, 0}, false); }

bool Capabilities::waits_for_list() const {
  return at_least(here, {3, 1, 0}, false) && at_least(there, {3, 1, 0}, true);
}

bool Capabilities::escapes_remote_path() const { return at_least(here, {3, 2, 4}, false); }

}  // namespace mirrord
