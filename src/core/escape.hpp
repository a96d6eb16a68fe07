// Any byte string as text that the bus, the journal and a terminal accept.
#pragma once

#include <string>
#include <string_view>

namespace mirrord {

/// Printable UTF-8 stays; control characters, backslashes and bytes that are no UTF-8 are
/// C-escaped: "\n", "\\", "\xHH".
std::string escape(std::string_view bytes);

/// The same of a text in which names may be escaped already: its backslashes stay.
std::string printable(std::string_view text);

/// The bytes that rsync printed: it writes what is not printable as \#ooo, in octal digits.
std::string unescape_rsync(std::string_view text);

}  // namespace mirrord
