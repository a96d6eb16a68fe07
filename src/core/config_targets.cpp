#include "core/config_targets.hpp"

#include "core/config_setters.hpp"
#include "core/config_values.hpp"
#include "core/path.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>

namespace mirrord {
namespace {

/// A target that could be read, and where, for what is wrong between targets.
struct PlacedTarget {
  Target target;
  toml::source_position at;
};

std::optional<Destination> read_destination(const ConfigEntry& entry) {
  const auto text = read_text(entry, "host:/path");
  if (!text) return std::nullopt;
  std::string reason;
  const auto destination = parse_destination(*text, reason);
  if (!destination)
    entry.problem(fmt::format("has the destination \"{}\": {}", without_password(*text), reason));
  return destination;
}

std::optional<std::string> read_name(const ConfigEntry& entry) {
  const auto name = read_text(entry, "web1");
  if (!name || (!name->empty() && !has_control_characters(*name))) return name;
  entry.problem("must not be empty, nor contain control characters");
  return std::nullopt;
}

const ConfigSchema<Target>& target_schema() {
  static const ConfigSchema<Target> schema = {
      {"to", set(&Target::destination, read_destination)},
      {"name", set(&Target::name, read_name)},
      {"rsync", inner_table(&Target::rsync, rsync_schema)},
      {"ssh", inner_table(&Target::ssh, ssh_schema)},
  };
  return schema;
}

/// Only what a target's own settings make of the group's: the group's are told of once.
void check_own_rsync(const ConfigScope& scope, const toml::table& table,
                     const RsyncSettings& inherited, const RsyncSettings& merged) {
  for (const RsyncFault& fault : faults_of_rsync(merged)) {
    if (has_fault(inherited, fault.key)) continue;
    const auto other = table.at_path(fault.key);
    const auto own = other ? other : table.at_path("rsync.inplace");
    scope.report.problem(own.node()->source().begin,
                         fmt::format("in {}, {}", scope.name, fault.why));
  }
}

void read_target_table(const ConfigScope& scope, const toml::table& table, Target& target) {
  const RsyncSettings inherited = target.rsync;
  read_table(scope, table, target_schema(), target);
  check_own_rsync(scope, table, inherited, target.rsync);
  if (!table.contains("to"))
    scope.report.problem(table.source().begin,
                         fmt::format("key 'to' is missing in {}; name the destination, as in "
                                     "to = \"host:/path\"",
                                     scope.name));
}

ConfigScope scope_of_target(const ConfigScope& group, size_t number) {
  return {group.report, group.host, fmt::format("target {} of {}", number, group.name)};
}

/// Nothing when the destination is not usable, so that nothing more can be said of the target.
std::optional<PlacedTarget> read_target(const ConfigEntry& entry, size_t number,
                                        const GroupDraft& group) {
  PlacedTarget placed{{"", {}, group.rsync, group.ssh}, entry.value.source().begin};
  if (const auto* table = entry.value.as_table())
    read_target_table(scope_of_target(entry.scope, number), *table, placed.target);
  else if (!entry.value.is_string())
    entry.wrong_type("a string such as \"host:/path\", or a table with the key 'to'");
  else if (const auto destination = read_destination(entry))
    placed.target.destination = *destination;
  if (placed.target.destination.text.empty()) return std::nullopt;
  return placed;
}

void give_names(std::vector<PlacedTarget>& targets) {
  std::map<std::string, int> uses;
  for (const PlacedTarget& placed : targets) ++uses[placed.target.destination.host];
  for (PlacedTarget& placed : targets) {
    const Destination& destination = placed.target.destination;
    if (!placed.target.name.empty()) continue;
    const bool telling = !destination.host.empty() && uses[destination.host] == 1;
    placed.target.name = telling ? destination.host : destination.text;
  }
}

bool same_place(Destination a, const Destination& b) {
  a.text = b.text;
  return a == b;
}

/// What is wrong with `later`, given an `earlier` target of the same group; "" when nothing is.
std::string clash(const Target& earlier, const Target& later) {
  if (same_place(earlier.destination, later.destination))
    return fmt::format("destination \"{}\" is listed twice; remove one", later.destination.text);
  if (earlier.name == later.name)
    return fmt::format("target name '{}' is used twice; give one of them another 'name'",
                       later.name);
  return "";
}

void check_for_clashes(const ConfigScope& scope, const std::vector<PlacedTarget>& targets) {
  for (auto later = targets.begin(); later != targets.end(); ++later) {
    for (auto earlier = targets.begin(); earlier != later; ++earlier) {
      const std::string what = clash(earlier->target, later->target);
      if (what.empty()) continue;
      scope.report.problem(later->at, fmt::format("in {}, {}", scope.name, what));
      break;
    }
  }
}

void check_against_source(const ConfigScope& scope, const std::vector<PlacedTarget>& targets,
                          const std::string& source) {
  for (const auto& [target, at] : targets) {
    if (source.empty() || target.destination.kind != Destination::Kind::local) continue;
    if (!paths_overlap(source, target.destination.path)) continue;
    scope.report.problem(
        at, fmt::format("in {}, destination '{}' and source '{}' overlap; mirror to a place "
                        "outside of the source",
                        scope.name, target.destination.path, source));
  }
}

}  // namespace

std::vector<RsyncFault> faults_of_rsync(const RsyncSettings& rsync) {
  std::vector<RsyncFault> faults;
  if (rsync.inplace && !rsync.partial_dir.empty())
    faults.push_back(
        {"rsync.partial_dir",
         fmt::format("rsync.inplace = true and rsync.partial_dir = \"{}\" do not go together: "
                     "rsync keeps a "
                     "partial file either in place or in that directory; remove one of them",
                     rsync.partial_dir)});
  if (rsync.inplace && rsync.hard_links)
    faults.push_back(
        {"rsync.hard_links",
         "rsync.inplace = true and rsync.hard_links = true do not go together: what is "
         "written in place changes files on the target that were names of the same "
         "one before; remove one of them"});
  return faults;
}

bool has_fault(const RsyncSettings& rsync, std::string_view key) {
  const auto faults = faults_of_rsync(rsync);
  return std::ranges::find(faults, key, &RsyncFault::key) != faults.end();
}

std::vector<Target> read_targets(const ConfigScope& scope, const toml::node& value,
                                 const GroupDraft& group) {
  const ConfigEntry entry{scope, "targets", value, value.source().begin};
  const auto* list = value.as_array();
  if (!list) {
    entry.wrong_type("a list such as [\"host:/path\"]");
    return {};
  }
  if (list->empty()) entry.problem("is empty; name at least one destination");
  std::vector<PlacedTarget> placed;
  size_t number = 0;
  for (const toml::node& node : *list)
    if (auto target = read_target(entry.element(node), ++number, group))
      placed.push_back(*std::move(target));
  give_names(placed);
  check_for_clashes(scope, placed);
  check_against_source(scope, placed, group.source);
  std::vector<Target> targets;
  for (PlacedTarget& one : placed) targets.push_back(std::move(one.target));
  return targets;
}

}  // namespace mirrord
