// What is wrong with the TOML of a file, in words for whoever wrote it.
//
// toml++ tells which of its rules was broken; for the commonest slips, a string without its quotes,
// that does not tell what to do. Those get words of our own, the others toml++'s.
#pragma once

#include <toml++/toml.h>

#include <string>
#include <string_view>

namespace mirrord {

/// "syntax error: …"; `text` is the file that `error` is about.
std::string syntax_error(std::string_view text, const toml::parse_error& error);

}  // namespace mirrord
