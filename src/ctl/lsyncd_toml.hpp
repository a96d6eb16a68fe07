// An imported configuration as the text of a file for /etc/mirrord, with a comment for each remark.
#pragma once

#include <optional>
#include <string>

#include "ctl/lsyncd_import.hpp"

namespace mirrord {

/// `name` is that of the file it was made from.
std::string toml_text(const ImportedConfig& config, const std::string& name);

/// A TOML basic string; bytes that are no UTF-8 have no form in TOML and give nothing.
std::optional<std::string> toml_string(const std::string& bytes);

}  // namespace mirrord
