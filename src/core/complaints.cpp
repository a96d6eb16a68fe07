#include "core/complaints.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "core/escape.hpp"
#include "core/lines.hpp"

namespace mirrord {

namespace {

using Name = std::optional<std::string>;

/// Lines that only sum up what others have said.
constexpr std::string_view kSummaries[] = {
    "rsync error:",
    "rsync warning: some files vanished",
    "Deletions stopped due to --max-delete limit",
    "*** Skipping any contents from this failed directory ***",
};

/// Lines whose path is the rest of the line, relative to the target.
constexpr std::string_view kUnquoted[] = {
    "could not make way for new regular file: ", "could not make way for new symlink: ",
    "could not make way for new device file: ",  "could not make way for new special file: ",
    "cannot delete non-empty directory: ",
};

/// What comes before the path in lines about attributes.
constexpr std::string_view kAboutAttributes[] = {"failed to set ", "chown ", "chgrp "};

bool is_about_attributes(std::string_view line) {
  std::string_view words = line.substr(0, line.find('"'));
  return std::ranges::any_of(kAboutAttributes, [&](std::string_view about) {
    return words.find(about) != std::string_view::npos;
  });
}

/// What stands in quotes; of `"a" -> "b"` the first. Nothing when it may be read in two ways.
Name quoted(std::string_view line) {
  size_t first = line.find('"');
  if (first == std::string_view::npos) return std::nullopt;
  size_t last = std::min(line.find("\" -> \"", first), line.rfind('"'));
  if (last <= first) return std::nullopt;
  std::string_view inside = line.substr(first + 1, last - first - 1);
  if (inside.find('"') != std::string_view::npos) return std::nullopt;
  return std::string(inside);
}

/// The receiver writes to ".NAME.XXXXXX" and renames it.
std::string without_temporary_name(const std::string& path) {
  constexpr size_t kSuffix = 7;
  size_t name = path.rfind('/') + 1;
  if (path.size() < name + kSuffix + 2 || path[name] != '.') return path;
  if (path[path.size() - kSuffix] != '.') return path;
  return path.substr(0, name) + path.substr(name + 1, path.size() - name - 1 - kSuffix);
}

/// Whether no step of it leads elsewhere than down: the other side may print anything.
bool leads_down(std::string_view path) {
  for (size_t start = 0; start <= path.size();) {
    size_t end = std::min(path.find('/', start), path.size());
    std::string_view step = path.substr(start, end - start);
    if (step.empty() || step == "..") return false;
    start = end + 1;
  }
  return true;
}

/// A path in terms of the source; nothing when it is below neither directory.
Name relative(std::string path, const std::string& source, const std::string& destination) {
  auto strip = [&](const std::string& directory) {
    std::string prefix = directory.ends_with('/') ? directory : directory + '/';
    if (path + '/' == prefix) path = prefix;
    if (!path.starts_with(prefix)) return false;
    path.erase(0, prefix.size());
    return true;
  };
  if (path.starts_with('/') && !strip(source) && !strip(destination)) return std::nullopt;
  while (path.starts_with("./")) path.erase(0, 2);
  if (path.empty() || path == ".") return "";
  return leads_down(path) ? Name(path) : std::nullopt;
}

Name path_of(std::string_view line, const std::string& source, const std::string& destination) {
  for (std::string_view words : kUnquoted)
    if (line.starts_with(words))
      return relative(unescape_rsync(line.substr(words.size())), source, destination);
  Name name = quoted(line);
  if (!name) return std::nullopt;
  std::string path = unescape_rsync(*name);
  bool temporary = is_about_attributes(line) || line.find("mkstemp ") != std::string_view::npos ||
                   line.find("rename ") != std::string_view::npos;
  return relative(temporary ? without_temporary_name(path) : path, source, destination);
}

}  // namespace

std::optional<Complaints> read_complaints(const std::string& error, const std::string& source,
                                          const std::string& destination) {
  Complaints complaints;
  std::set<std::pair<bool, std::string>> known;  // the other side may say one thing without an end
  for (const std::string& line : lines_of(error)) {
    auto is_summary = [&](std::string_view words) { return line.starts_with(words); };
    if (std::ranges::any_of(kSummaries, is_summary)) continue;
    Name path = path_of(line, source, destination);
    bool attributes = is_about_attributes(line);
    if (!path || (path->empty() && !attributes)) return std::nullopt;
    if (!known.emplace(attributes, *path).second) continue;
    (attributes ? complaints.attributes : complaints.paths).push_back(*path);
  }
  if (complaints == Complaints{}) return std::nullopt;
  return complaints;
}

}  // namespace mirrord
