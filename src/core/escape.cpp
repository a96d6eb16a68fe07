#include "core/escape.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace mirrord {

namespace {

/// Length of the well-formed UTF-8 sequence at the front (RFC 3629), 0 when there is none.
size_t sequence_length(std::string_view bytes) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  unsigned char lead = byte(0);
  size_t length = lead < 0x80                   ? 1
                  : lead >= 0xc2 && lead < 0xe0 ? 2
                  : lead >= 0xe0 && lead < 0xf0 ? 3
                  : lead >= 0xf0 && lead < 0xf5 ? 4
                                                : 0;
  if (length == 0 || length > bytes.size()) return 0;
  uint32_t code = length == 1 ? lead : lead & (0x7fU >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3fU);
  }
  bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  bool surrogate = code >= 0xd800 && code < 0xe000;
  return overlong || surrogate || code > 0x10ffff ? 0 : length;
}

std::string escaped_byte(char c) {
  switch (c) {
    case '\n':
      return "\\n";
    case '\t':
      return "\\t";
    case '\r':
      return "\\r";
    case '\\':
      return "\\\\";
    default:
      return fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
}

enum class Backslashes { escape, keep };

std::string escaped(std::string_view bytes, Backslashes backslashes) {
  std::string text;
  while (!bytes.empty()) {
    size_t length = sequence_length(bytes);
    unsigned char lead = static_cast<unsigned char>(bytes[0]);
    bool control = lead < 0x20 || lead == 0x7f ||
                   (lead == '\\' && backslashes == Backslashes::escape) ||
                   (length == 2 && lead == 0xc2 && static_cast<unsigned char>(bytes[1]) < 0xa0);
    if (length == 0 || control) {
      text += escaped_byte(bytes[0]);
      length = 1;
    } else {
      text += bytes.substr(0, length);
    }
    bytes.remove_prefix(length);
  }
  return text;
}

}  // namespace

std::string escape(std::string_view bytes) { return escaped(bytes, Backslashes::escape); }

std::string printable(std::string_view text) { return escaped(text, Backslashes::keep); }

std::string unescape_rsync(std::string_view text) {
  auto is_octal = [](char c) { return c >= '0' && c <= '7'; };
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    bool escaped = text.substr(i, 2) == "\\#" && i + 5 <= text.size() &&
                   std::ranges::all_of(text.substr(i + 2, 3), is_octal);
    if (!escaped) {
      bytes += text[i];
      continue;
    }
    int byte = (text[i + 2] - '0') * 64 + (text[i + 3] - '0') * 8 + (text[i + 4] - '0');
    bytes += static_cast<char>(byte);
    i += 4;
  }
  return bytes;
}

}  // namespace mirrord
