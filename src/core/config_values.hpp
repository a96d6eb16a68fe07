// Texts inside the configuration and what they mean: paths, times, shares.
//
// Together with parse_duration, parse_size and parse_destination (core/config.hpp) these are the
// pure readers of single values. They know neither keys nor files nor TOML; who calls them says
// where the text stood and what is allowed there.
#pragma once

#include <optional>
#include <string>

#include "core/model.hpp"

namespace mirrord {

/// The text that parse_duration reads back, e.g. "1min 30s".
std::string format_duration(Duration duration);

/// "50%" or "2.5%", from 0 to 100. Nothing when malformed.
std::optional<double> parse_percent(const std::string& text);

/// An absolute path without trailing or doubled slashes and "." components. A relative one, or
/// one with "..", gives nothing and sets `reason`.
std::optional<std::string> normalise_path(const std::string& text, std::string& reason);

/// "rsync://login@host/…" of "rsync://login:password@host/…", which mirrord does not take.
std::string without_password(const std::string& destination);

/// U+0000 to U+001F and U+007F to U+009F, in UTF-8.
bool has_control_characters(const std::string& text);

}  // namespace mirrord
