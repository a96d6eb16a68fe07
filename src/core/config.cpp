#include "core/config.hpp"

#include "core/config_overlaps.hpp"
#include "core/config_reader.hpp"
#include "core/config_schema.hpp"
#include "core/config_syntax.hpp"
#include "core/config_targets.hpp"
#include "core/config_values.hpp"
#include "core/escape.hpp"
#include "core/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

namespace mirrord {
namespace {

constexpr const char* kNoGroups =
    "no groups are defined; add a file such as /etc/mirrord/web.toml with a [groups.NAME] table "
    "(see mirrord.toml(5))";

std::optional<toml::table> parse_toml(const ConfigFile& file, ConfigReport& report) {
  try {
    return toml::parse(file.text);
  } catch (const toml::parse_error& error) {
    report.problem(error.source().begin, syntax_error(file.text, error));
    return std::nullopt;
  }
}

bool is_group_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  });
}

/// The [defaults] of one file: the values that groups start from, and the table they stand in.
struct Defaults {
  GroupDraft values;
  const toml::table* table = nullptr;
};

/// Two durations of one group of which the first must not be longer than the second.
struct OrderedPair {
  std::string_view shorter, longer;
  Duration shorter_value, longer_value;
};

/// Where a group gets a key from; no node when it has the built-in default.
struct Origin {
  const toml::node* node = nullptr;
  bool inherited = false;
};

Origin origin_of(std::string_view path, const toml::table& group, const Defaults& defaults) {
  if (const toml::node* own = group.at_path(path).node()) return {own, false};
  if (!defaults.table) return {nullptr, true};
  return {defaults.table->at_path(path).node(), true};
}

void check_order(const ConfigScope& scope, const toml::table& group, const Defaults& defaults,
                 const OrderedPair& pair) {
  const Origin shorter = origin_of(pair.shorter, group, defaults);
  const Origin longer = origin_of(pair.longer, group, defaults);
  for (const Origin& origin : {shorter, longer})
    if (origin.node && scope.report.problem_at(origin.node->source().begin)) return;
  if (pair.shorter_value <= pair.longer_value) return;
  const bool blame_shorter = !longer.node || (longer.inherited && !shorter.inherited);
  const Origin& blamed = blame_shorter ? shorter : longer;
  scope.report.problem(
      blamed.node->source().begin,
      fmt::format("in {}, {} = \"{}\" is shorter than {} = \"{}\"; raise {} or lower {}",
                  blamed.inherited ? "[defaults]" : scope.name, pair.longer,
                  format_duration(pair.longer_value), pair.shorter,
                  format_duration(pair.shorter_value), pair.longer, pair.shorter));
}

void check_orders(const ConfigScope& scope, const toml::table& table, const Defaults& defaults,
                  const GroupDraft& group) {
  check_order(scope, table, defaults, {"delay", "max_delay", group.delay, group.max_delay});
  check_order(scope, table, defaults,
              {"retry.initial", "retry.max", group.retry.initial, group.retry.max});
}

/// Of the group as its targets take it over; what a target itself adds, read_targets() has judged.
void check_rsync(const ConfigScope& scope, const toml::table& table, const Defaults& defaults,
                 const GroupDraft& group) {
  const Origin inplace = origin_of("rsync.inplace", table, defaults);
  for (const auto& [key, why] : faults_of_rsync(group.rsync)) {
    const auto has_it = [&, key = key](const Target& target) {
      return has_fault(target.rsync, key);
    };
    if (!group.targets.empty() && std::ranges::none_of(group.targets, has_it)) continue;
    const Origin other = origin_of(key, table, defaults);
    const Origin& blamed = other.inherited ? inplace : other;
    const auto at = blamed.node->source().begin;
    if (scope.report.problem_at(at)) continue;  // of [defaults], for another group
    scope.report.problem(
        at, fmt::format("in {}, {}", blamed.inherited ? "[defaults]" : scope.name, why));
  }
}

void require(const ConfigScope& scope, const toml::table& table, std::string_view key,
             std::string_view example) {
  if (table.contains(key)) return;
  scope.report.problem(table.source().begin, fmt::format("key '{}' is missing in {}; add {} = {}",
                                                         key, scope.name, key, example));
}

/// Who can put a link into the source chooses what root's rsync publishes.
void warn_of_published_secrets(const ConfigScope& scope, const toml::table& table,
                               const Group& group) {
  bool follows = group.symlinks != Symlinks::preserve && !group.follow_into;
  if (!follows || !group.user.empty() || group.source.empty()) return;
  if (!scope.host.others_write_what_root_reads(group.source)) return;
  const toml::node* source = table.get("source");
  scope.report.warning((source ? source->source() : table.source()).begin,
                       fmt::format("source '{}' can be written by others and is read as root: a "
                                   "link in it to any file, such as /etc/shadow, would be "
                                   "published; set user =, follow_into = or symlinks = "
                                   "\"preserve\"",
                                   group.source));
}

Group finished(GroupDraft draft) {
  for (auto* rules : {&draft.exclude, &draft.exclude_from})
    std::move(rules->begin(), rules->end(), std::back_inserter(draft.filter));
  return std::move(static_cast<Group&>(draft));
}

/// The table `key` at the top of a file, or null, with a problem when it is something else.
const toml::table* top_table(ConfigReport& report, const toml::table& root, std::string_view key) {
  const toml::node* node = root.get(key);
  if (node && !node->is_table())
    report.problem(node->source().begin, fmt::format("'{}' must be a table", key));
  return node ? node->as_table() : nullptr;
}

void report_unknown_tables(ConfigReport& report, const toml::table& root) {
  const std::vector<std::string_view> known = {"daemon", "defaults", "groups"};
  for (auto&& [name, value] : root) {
    if (std::find(known.begin(), known.end(), name.str()) != known.end()) continue;
    const std::string_view guess = nearest(name.str(), known);
    const std::string advice = guess.empty()
                                   ? "known tables are [daemon], [defaults] and [groups.NAME]"
                                   : fmt::format("did you mean '{}'?", guess);
    report.problem(
        name.source().begin,
        fmt::format("unknown {} '{}'; {}", value.is_table() ? "table" : "key", name.str(), advice));
  }
}

std::string title_of(std::string_view group) { return fmt::format("group '{}'", group); }

/// Reads file after file; what must be unique over all files is remembered with its place.
class ConfigReading {
 public:
  explicit ConfigReading(const Host& host) : host_(host) {}

  void read(const ConfigFile& file);
  ParsedConfig finish(const std::string& first_file, bool is_all);

 private:
  void read_tables(ConfigReport& report, const toml::table& root);
  void read_daemon(ConfigReport& report, const toml::table& table);
  Defaults read_defaults(ConfigReport& report, const toml::table* table);
  void read_groups(ConfigReport& report, const toml::table& groups, const Defaults& defaults);
  void read_group(const ConfigScope& scope, std::string_view name, const toml::table& table,
                  const Defaults& defaults);
  void claim(ConfigReport& report, const std::string& what, const toml::table& table);
  void report_overlaps();
  bool failed() const;

  struct Place {
    std::string file;
    toml::source_position at;
  };

  const Host& host_;
  std::string file_;
  Config config_;
  std::map<std::string, Place> first_places_;
  std::vector<Diagnostic> diagnostics_;
};

void ConfigReading::read(const ConfigFile& file) {
  file_ = file.name;
  ConfigReport report(file.name);
  if (const auto root = parse_toml(file, report)) read_tables(report, *root);
  auto diagnostics = report.take();
  std::move(diagnostics.begin(), diagnostics.end(), std::back_inserter(diagnostics_));
}

void ConfigReading::read_tables(ConfigReport& report, const toml::table& root) {
  report_unknown_tables(report, root);
  if (const auto* daemon = top_table(report, root, "daemon")) read_daemon(report, *daemon);
  const Defaults defaults = read_defaults(report, top_table(report, root, "defaults"));
  const auto* groups = top_table(report, root, "groups");
  if (groups && !groups->empty())
    read_groups(report, *groups, defaults);
  else
    check_orders({report, host_, "[defaults]"}, {}, defaults, defaults.values);
}

Defaults ConfigReading::read_defaults(ConfigReport& report, const toml::table* table) {
  Defaults defaults{{}, table};
  if (table) read_table({report, host_, "[defaults]"}, *table, defaults_schema(), defaults.values);
  return defaults;
}

void ConfigReading::read_daemon(ConfigReport& report, const toml::table& table) {
  if (table.empty()) return;  // as installed: it sets nothing, and forbids no other
  claim(report, "[daemon]", table);
  read_table({report, host_, "[daemon]"}, table, daemon_schema(), config_.limits);
}

void ConfigReading::read_groups(ConfigReport& report, const toml::table& groups,
                                const Defaults& defaults) {
  for (auto&& [name, value] : groups) {
    const ConfigScope scope{report, host_, fmt::format("[groups.{}]", name.str())};
    if (const auto* table = value.as_table())
      read_group(scope, name.str(), *table, defaults);
    else
      report.problem(name.source().begin,
                     fmt::format("key '{}' in [groups] stands outside of a group; put it below a "
                                 "line [groups.NAME]",
                                 name.str()));
  }
}

void ConfigReading::read_group(const ConfigScope& scope, std::string_view name,
                               const toml::table& table, const Defaults& defaults) {
  if (!is_group_name(name))
    scope.report.problem(table.source().begin,
                         fmt::format("group name '{}' must consist of letters, digits, '_', '.' "
                                     "and '-'",
                                     name));
  claim(scope.report, title_of(name), table);
  GroupDraft draft = defaults.values;
  draft.name = name;
  read_table(scope, table, group_schema(), draft);
  require(scope, table, "source", "\"/path\"");
  require(scope, table, "targets", "[\"host:/path\"]");
  if (const auto* targets = table.get("targets"))
    draft.targets = read_targets(scope, *targets, draft);
  draft.runs_as = scope.host.find_user(draft.user).value_or(User{});
  check_orders(scope, table, defaults, draft);
  check_rsync(scope, table, defaults, draft);
  warn_of_published_secrets(scope, table, draft);
  config_.groups.push_back(finished(std::move(draft)));
}

/// Reports the second of two tables that may exist only once.
void ConfigReading::claim(ConfigReport& report, const std::string& what, const toml::table& table) {
  const auto at = table.source().begin;
  const auto [first, is_first] = first_places_.emplace(what, Place{file_, at});
  if (is_first) return;
  const auto& [file, earlier] = first->second;
  report.problem(at, fmt::format("{} is already defined at {}:{}:{}", what, file, earlier.line,
                                 earlier.column));
}

void ConfigReading::report_overlaps() {
  for (const Overlap& overlap : find_overlaps(config_.groups)) {
    const auto& [file, at] = first_places_.at(title_of(overlap.group));
    diagnostics_.push_back({overlap.severity, file, at.line, at.column, overlap.message});
  }
}

bool ConfigReading::failed() const {
  const auto is_problem = [](const Diagnostic& one) { return one.severity == Severity::problem; };
  return std::any_of(diagnostics_.begin(), diagnostics_.end(), is_problem);
}

ParsedConfig ConfigReading::finish(const std::string& first_file, bool is_all) {
  if (!failed() && is_all && config_.groups.empty())
    diagnostics_.insert(diagnostics_.begin(), {Severity::problem, first_file, 0, 0, kNoGroups});
  std::sort(config_.groups.begin(), config_.groups.end(),
            [](const Group& a, const Group& b) { return a.name < b.name; });
  if (!failed()) report_overlaps();
  if (failed()) return {std::nullopt, std::move(diagnostics_)};
  return {std::move(config_), std::move(diagnostics_)};
}

}  // namespace

std::string Diagnostic::text() const {
  constexpr size_t kFirst = 1;  // where an editor goes for the file as a whole
  // Texts in TOML may hold any character, and names any byte.
  const std::string what = printable(message);
  if (file.empty()) return what;
  return fmt::format("{}:{}:{}: {}", escape(file), std::max(line, kFirst), std::max(column, kFirst),
                     what);
}

ParsedConfig parse_config(const std::vector<ConfigFile>& files, const Host& host, bool is_all) {
  ConfigReading reading(host);
  for (const ConfigFile& file : files) reading.read(file);
  return reading.finish(files.empty() ? "" : files.front().name, is_all);
}

}  // namespace mirrord
