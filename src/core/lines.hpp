// Lines of what programs print.
#pragma once

#include <string>
#include <vector>

namespace mirrord {

/// Those that are not empty, without their ends; "\r\n" is one, too.
std::vector<std::string> lines_of(const std::string& text);

/// The last of them; "" when there is none.
std::string last_line(const std::string& text);

}  // namespace mirrord
