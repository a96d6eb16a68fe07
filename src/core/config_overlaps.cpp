#include "core/config_overlaps.hpp"

#include <fmt/format.h>

#include <optional>

#include "core/config_values.hpp"
#include "core/filter.hpp"
#include "core/path.hpp"

namespace mirrord {
namespace {

bool same_host(const Target& a, const Target& b) {
  const Destination &first = a.destination, &second = b.destination;
  return first.kind == second.kind && first.host == second.host && first.port == second.port &&
         first.module == second.module && a.ssh.port == b.ssh.port;
}

/// Where `inner` is in `outer`, "" when it is the same directory; nothing when it is elsewhere.
std::optional<std::string> place_in(const Target& outer, const Target& inner) {
  const std::string &top = outer.destination.path, &path = inner.destination.path;
  if (!same_host(outer, inner) || !is_part_of(path, top)) return std::nullopt;
  if (path.size() == top.size()) return "";
  return path.substr(top.empty() ? 0 : top.size() + 1);
}

bool deletes_there(const Group& outer, const std::string& place) {
  if (outer.delete_mode == DeleteMode::never) return false;
  if (place.empty() || outer.delete_excluded) return true;
  return Filter(outer.filter).excluded_by(place, true) == nullptr;
}

bool is_same_content(const Group& outer, const Group& inner, const std::string& place) {
  return join(outer.source, place) == inner.source;
}

std::string warning(const Group& outer, const Target& around, const Group& inner,
                    const Target& within, const std::string& place) {
  const std::string who = outer.name == inner.name ? "it" : fmt::format("group '{}'", inner.name);
  const std::string where = place.empty() ? "the same directory" : "a directory in it";
  return fmt::format(
      "[groups.{}] deletes in '{}' what {} sends to '{}', {}; mirror to another place{}, or set "
      "delete = false here",
      outer.name, around.destination.text, who, within.destination.text, where,
      place.empty() ? "" : fmt::format(", exclude \"/{}\"", place));
}

void compare(const Group& outer, const Group& inner, std::vector<Overlap>& overlaps) {
  for (const Target& around : outer.targets)
    for (const Target& within : inner.targets) {
      if (&around == &within) continue;
      const auto place = place_in(around, within);
      if (!place || !deletes_there(outer, *place) || is_same_content(outer, inner, *place))
        continue;
      overlaps.push_back({outer.name, warning(outer, around, inner, within, *place)});
    }
}

}  // namespace

std::vector<Overlap> find_overlaps(const std::vector<Group>& groups) {
  std::vector<Overlap> overlaps;
  for (const Group& outer : groups)
    for (const Group& inner : groups) compare(outer, inner, overlaps);
  return overlaps;
}

}  // namespace mirrord
