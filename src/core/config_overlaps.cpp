#include "core/config_overlaps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

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

/// Whether all that `from` sends to a local target is something that `to` mirrors.
bool feeds(const Group& from, const Group& to) {
  return std::ranges::any_of(from.targets, [&](const Target& target) {
    const std::string& place = target.destination.path;
    return target.destination.kind == Destination::Kind::local &&
           is_at_or_below(place, to.source) &&
           !Filter(to.filter).excluded_by(relative_to(place, to.source), true);
  });
}

/// For each group, those that it feeds.
using Feeding = std::vector<std::vector<size_t>>;

Feeding feeding_of(const std::vector<Group>& groups) {
  Feeding feeding(groups.size());
  for (size_t from = 0; from < groups.size(); ++from)
    for (size_t to = 0; to < groups.size(); ++to)
      if (from != to && feeds(groups[from], groups[to])) feeding[from].push_back(to);
  return feeding;
}

/// The shortest ring whose first group is `first`, in its order; empty when there is none.
std::vector<size_t> ring_of(size_t first, const Feeding& feeding) {
  std::vector<std::vector<size_t>> ways = {{first}};
  std::set<size_t> seen;
  for (size_t next = 0; next < ways.size(); ++next)
    for (const size_t to : feeding[ways[next].back()]) {
      if (to == first) return ways[next];
      if (to < first || !seen.insert(to).second) continue;
      ways.push_back(ways[next]);
      ways.back().push_back(to);
    }
  return {};
}

Overlap ring_overlap(const std::vector<Group>& groups, const std::vector<size_t>& ring) {
  std::string names;
  bool certain = true;
  for (const size_t index : ring) {
    names += fmt::format("{}'{}'", names.empty() ? "" : ", ", groups[index].name);
    certain = certain && groups[index].filter.empty();
  }
  const std::string message = fmt::format(
      "the groups {} are a ring, each sends into the source of the next one: what is copied comes "
      "round for ever; mirror to another place{}",
      names, certain ? "" : ", unless the rules keep apart what each of them sends");
  return {groups[ring.front()].name, message, certain ? Severity::problem : Severity::warning};
}

void find_rings(const std::vector<Group>& groups, std::vector<Overlap>& overlaps) {
  const Feeding feeding = feeding_of(groups);
  for (size_t first = 0; first < groups.size(); ++first)
    if (const auto ring = ring_of(first, feeding); !ring.empty())
      overlaps.push_back(ring_overlap(groups, ring));
}

}  // namespace

std::vector<Overlap> find_overlaps(const std::vector<Group>& groups) {
  std::vector<Overlap> overlaps;
  for (const Group& outer : groups)
    for (const Group& inner : groups) compare(outer, inner, overlaps);
  find_rings(groups, overlaps);
  return overlaps;
}

}  // namespace mirrord
