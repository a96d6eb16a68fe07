#include "core/config_syntax.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/config_values.hpp"

namespace mirrord {
namespace {

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

/// toml++ counts columns in characters, not in bytes.
size_t offset_of(std::string_view text, toml::source_position at) {
  size_t offset = 0;
  for (auto line = at.line; line > 1; --line) offset = text.find('\n', offset) + 1;
  for (auto column = at.column; column > 1 && offset < text.size(); --column) do
      ++offset;
    while (offset < text.size() && continues_character(text[offset]));
  return offset;
}

bool is_unclosed_string(std::string_view what, std::string_view text, size_t offset) {
  if (!what.starts_with("string: ") && !what.starts_with("literal string: ")) return false;
  return offset >= text.size() || text[offset] == '\n' || text[offset] == '\r';
}

bool is_bare_word(std::string_view what) {
  constexpr std::array<std::string_view, 4> kReadAs = {
      "value: ", "decimal integer: ", "floating-point: ", "boolean: "};
  return std::ranges::any_of(kReadAs, [&](auto kind) { return what.starts_with(kind); }) &&
         (what.find(", saw '") != what.npos || what.ends_with("could not determine value type"));
}

/// The value that the character at `offset` is a part of.
std::string value_around(std::string_view text, size_t offset) {
  constexpr std::string_view kAround = " \t\r\n=,[]{}#\"'";
  const size_t before = text.substr(0, offset).find_last_of(kAround);
  const size_t start = before == text.npos ? 0 : before + 1;
  return std::string(text.substr(start, text.find_first_of(kAround, offset) - start));
}

}  // namespace

std::string syntax_error(std::string_view text, const toml::parse_error& error) {
  constexpr std::string_view kPrefix = "Error while parsing ";
  std::string_view what = error.description();
  if (what.starts_with(kPrefix)) what.remove_prefix(kPrefix.size());
  const size_t offset = offset_of(text, error.source().begin);
  if (is_unclosed_string(what, text, offset))
    return fmt::format("syntax error: the string is not closed; a closing {} is missing",
                       what.starts_with("literal") ? '\'' : '"');
  if (is_bare_word(what))
    return fmt::format("syntax error: strings stand in quotes: \"{}\"",
                       without_password(value_around(text, offset)));
  return fmt::format("syntax error: {}", what);
}

}  // namespace mirrord
