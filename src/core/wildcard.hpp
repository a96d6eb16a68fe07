// Wildcards as rsync(1) PATTERN MATCHING RULES has them: "*", "**", "?", "[...]" and "\".
//
// Works on bytes, knows no encoding and no locale, and takes time proportional to at most
// pattern x text x text, whatever the pattern. What part of a path a pattern is held against is
// core/filter_pattern's.
#pragma once

#include <string_view>

namespace mirrord {

/// Whether `pattern` describes the whole of `text`. Only "**" (or more stars) reaches over a
/// slash. An unfinished "[" or a "\" at the end matches nothing.
bool wildcard_match(std::string_view pattern, std::string_view text);

}  // namespace mirrord
