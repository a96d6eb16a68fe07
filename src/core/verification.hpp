// What a comparison byte by byte has found: the drift between a source and one target.
#pragma once

#include <string>
#include <vector>

namespace mirrord {

struct Verification {
  std::string group;
  std::string target;
  /// A line for each entry that differs, as rsync(1) --itemize-changes has it.
  std::vector<std::string> drift;
  bool is_whole = true;  ///< false: there is more drift than `drift` tells
  std::string error;     ///< why it could not be compared, or not all of it; "" = it was
};

/// The itemized lines in what `rsync -n -i --stats` printed, or in the end of it.
std::vector<std::string> read_drift(const std::string& output, bool is_whole = true);

/// {"targets": [{"group": …, "target": …, "equal": …, "drift": […], "whole": …, "error": …}, …]}
std::string to_json(const std::vector<Verification>& verifications);

}  // namespace mirrord
