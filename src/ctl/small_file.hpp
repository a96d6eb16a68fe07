// Reading a configuration file that somebody else's program names.
#pragma once

#include <optional>
#include <string>

namespace mirrord {

struct SmallFile {
  std::optional<std::string> content;
  const char* error = nullptr;  ///< why there is none
};

enum class Links { follow, refuse };  ///< as the last part of a path

/// Only regular files of up to 1 MiB, so that it neither blocks nor fills the memory.
SmallFile read_small_file(const std::string& path, Links links = Links::follow);

}  // namespace mirrord
