#include "core/wildcard.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>

namespace mirrord {
namespace {

using Byte = unsigned char;

constexpr bool between(Byte c, Byte low, Byte high) { return c >= low && c <= high; }
constexpr bool is_upper(Byte c) { return between(c, 'A', 'Z'); }
constexpr bool is_lower(Byte c) { return between(c, 'a', 'z'); }
constexpr bool is_digit(Byte c) { return between(c, '0', '9'); }
constexpr bool is_alpha(Byte c) { return is_upper(c) || is_lower(c); }
constexpr bool is_graph(Byte c) { return between(c, '!', '~'); }

struct NamedClass {
  std::string_view name;
  bool (*has)(Byte c);
};

// regex(7), for the bytes of the C locale: what is beyond ASCII belongs to none of them.
constexpr NamedClass kNamedClasses[] = {
    {"alnum", [](Byte c) { return is_alpha(c) || is_digit(c); }},
    {"alpha", is_alpha},
    {"blank", [](Byte c) { return c == ' ' || c == '\t'; }},
    {"cntrl", [](Byte c) { return c < ' ' || c == 0x7f; }},
    {"digit", is_digit},
    {"graph", is_graph},
    {"lower", is_lower},
    {"print", [](Byte c) { return c == ' ' || is_graph(c); }},
    {"punct", [](Byte c) { return is_graph(c) && !is_alpha(c) && !is_digit(c); }},
    {"space", [](Byte c) { return c == ' ' || between(c, '\t', '\r'); }},
    {"upper", is_upper},
    {"xdigit", [](Byte c) { return is_digit(c) || between(c, 'a', 'f') || between(c, 'A', 'F'); }},
};

/// Reads "[...]" and tells whether one byte is in it.
class Bracket {
 public:
  /// `at` is the place after the opening bracket.
  Bracket(std::string_view pattern, size_t at, Byte byte)
      : pattern_(pattern), at_(at), byte_(byte) {}

  /// False also when it is malformed. Only after true is end() the place behind it.
  bool matches() {
    const bool inverted = next_is('!') || next_is('^');
    if (inverted) ++at_;
    // A "]" that comes first stands for itself.
    do
      if (!read_item()) return false;
    while (!next_is(']'));
    ++at_;
    return found_ != inverted && byte_ != '/';
  }

  size_t end() const { return at_; }

 private:
  bool next_is(char c) const { return at_ < pattern_.size() && pattern_[at_] == c; }

  std::optional<Byte> read_byte() {
    if (next_is('\\')) ++at_;
    if (at_ == pattern_.size()) return std::nullopt;
    return static_cast<Byte>(pattern_[at_++]);
  }

  bool read_item() {
    if (next_is('-') && low_ && at_ + 1 < pattern_.size() && pattern_[at_ + 1] != ']')
      return read_range();
    if (pattern_.substr(at_, 2) == "[:") {
      const size_t close = pattern_.find(']', at_ + 2);
      if (close == std::string_view::npos) return false;
      if (close > at_ + 2 && pattern_[close - 1] == ':') return read_named(close);
    }
    low_ = read_byte();
    found_ = found_ || low_ == byte_;
    return low_.has_value();
  }

  bool read_range() {
    ++at_;
    const auto high = read_byte();
    if (!high) return false;
    found_ = found_ || between(byte_, *low_, *high);
    low_.reset();
    return true;
  }

  bool read_named(size_t close) {
    const auto name = pattern_.substr(at_ + 2, close - 1 - (at_ + 2));
    const auto* known = std::ranges::find(kNamedClasses, name, &NamedClass::name);
    if (known == std::end(kNamedClasses)) return false;
    found_ = found_ || known->has(byte_);
    low_.reset();
    at_ = close + 1;
    return true;
  }

  std::string_view pattern_;
  size_t at_;
  Byte byte_;
  bool found_ = false;
  std::optional<Byte> low_;  ///< where a range could begin
};

/// The place in the pattern after what matched `c`, or nothing when that did not.
std::optional<size_t> match_one(std::string_view pattern, size_t at, char c) {
  if (pattern[at] == '?') return c == '/' ? std::nullopt : std::optional(at + 1);
  if (pattern[at] == '[') {
    Bracket bracket(pattern, at + 1, static_cast<Byte>(c));
    return bracket.matches() ? std::optional(bracket.end()) : std::nullopt;
  }
  if (pattern[at] == '\\') ++at;
  if (at == pattern.size() || pattern[at] != c) return std::nullopt;
  return at + 1;
}

/// Where to go on when what follows a star did not match: the star takes one byte more.
struct Retry {
  size_t pattern;
  size_t text;
};

}  // namespace

bool wildcard_match(std::string_view pattern, std::string_view text) {
  // The last star of each kind is enough: an earlier one could only leave less to a later one.
  std::optional<Retry> star, double_star;
  size_t p = 0, t = 0;
  for (;;) {
    if (p < pattern.size() && pattern[p] == '*') {
      const size_t end = std::min(pattern.find_first_not_of('*', p), pattern.size());
      const bool single = end == p + 1;
      p = end;
      star = single ? std::optional(Retry{p, t}) : std::nullopt;
      if (!single) double_star = Retry{p, t};
      continue;
    }
    if (p == pattern.size() && t == text.size()) return true;
    if (p < pattern.size() && t < text.size()) {
      if (const auto next = match_one(pattern, p, text[t])) {
        p = *next;
        ++t;
        continue;
      }
    }
    if (star && (star->text == text.size() || text[star->text] == '/')) star.reset();
    auto& retry = star ? star : double_star;
    if (!retry || retry->text == text.size()) return false;
    p = retry->pattern;
    t = ++retry->text;
  }
}

}  // namespace mirrord
