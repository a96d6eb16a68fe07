#include "core/verification.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "core/escape.hpp"

namespace mirrord {

namespace {

/// "YXcstpoguax NAME" or "*deleting   NAME", rsync(1) --itemize-changes; what else it prints is
/// about what it leaves out.
bool is_itemized(const std::string& line) {
  if (line.starts_with("*deleting ")) return true;
  return line.size() > 1 && std::string_view("<>ch.").find(line[0]) != std::string_view::npos &&
         std::string_view("fdLDS").find(line[1]) != std::string_view::npos;
}

}  // namespace

std::vector<std::string> read_drift(const std::string& output, bool is_whole) {
  std::vector<std::string> drift;
  size_t first = is_whole ? 0 : output.find('\n') + 1;
  for (size_t start = first; start < output.size();) {
    size_t end = std::min(output.find('\n', start), output.size());
    std::string line = output.substr(start, end - start);
    start = end + 1;
    // An empty line comes before the statistics. Newlines in names are escaped by rsync.
    if (line.empty() && output.compare(start, 16, "Number of files:") == 0) break;
    if (is_itemized(line)) drift.push_back(std::move(line));
  }
  return drift;
}

std::string to_json(const std::vector<Verification>& verifications) {
  nlohmann::json targets = nlohmann::json::array();
  for (const Verification& one : verifications) {
    nlohmann::json lines = nlohmann::json::array();
    for (const std::string& line : one.drift) lines.push_back(escape(unescape_rsync(line)));
    targets.push_back({{"group", one.group},
                       {"target", escape(one.target)},
                       {"equal", one.error.empty() && one.drift.empty() && one.is_whole},
                       {"drift", lines},
                       {"whole", one.is_whole},
                       {"error", escape(one.error)}});
  }
  return nlohmann::json{{"targets", targets}}.dump();
}

}  // namespace mirrord
