#include "core/config_schema.hpp"

#include "core/config_setters.hpp"
#include "core/config_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace mirrord {
namespace {

using namespace std::chrono_literals;

constexpr Duration kDay = 24h;

std::optional<std::string> read_normal_path(const ConfigEntry& entry) {
  const auto text = read_text(entry, "/srv/www");
  if (!text) return std::nullopt;
  std::string reason;
  const auto path = normalise_path(*text, reason);
  if (!path) entry.problem(fmt::format("has the value \"{}\": {}", *text, reason));
  return path;
}

std::optional<std::string> read_source(const ConfigEntry& entry) {
  const auto path = read_normal_path(entry);
  if (path) warn_unless_directory(entry, *path);
  return path;
}

std::optional<std::string> read_user(const ConfigEntry& entry) {
  const auto user = read_text(entry, "www-data");
  if (user && user->empty()) {
    entry.problem("is empty; name a user, or remove the key");
    return std::nullopt;
  }
  if (!user || entry.scope.host.find_user(*user)) return user;
  entry.scope.report.problem(entry.value.source().begin,
                             fmt::format("user = \"{}\": no such user", *user));
  return std::nullopt;
}

std::optional<DeleteMode> read_delete(const ConfigEntry& entry) {
  constexpr std::string_view kWanted = "true, false, \"startup\" or \"running\"";
  if (const auto* flag = entry.value.as_boolean())
    return flag->get() ? DeleteMode::always : DeleteMode::never;
  const auto* word = entry.value.as_string();
  if (!word) {
    entry.wrong_type(kWanted);
    return std::nullopt;
  }
  if (word->get() == "startup") return DeleteMode::startup;
  if (word->get() == "running") return DeleteMode::running;
  entry.problem(fmt::format("must be {}, not \"{}\"", kWanted, word->get()));
  return std::nullopt;
}

std::optional<MaxDelete> read_max_delete(const ConfigEntry& entry) {
  constexpr std::string_view kWanted = "a share such as \"50%\", a number of entries, or \"off\"";
  if (entry.value.is_integer()) {
    const auto count = read_integer(entry, 0, std::numeric_limits<int64_t>::max());
    if (!count) return std::nullopt;
    return MaxDelete{static_cast<uint64_t>(*count), std::nullopt};
  }
  if (!entry.value.is_string()) {
    entry.wrong_type(kWanted);
    return std::nullopt;
  }
  const auto text = read_text(entry, "50%");
  if (!text) return std::nullopt;
  if (*text == "off") return MaxDelete{std::nullopt, std::nullopt};
  const auto percent = parse_percent(*text);
  if (percent) return MaxDelete{std::nullopt, percent};
  const bool number = text->find_first_not_of("0123456789") == std::string::npos && !text->empty();
  entry.problem(fmt::format("must be {}, not \"{}\"{}", kWanted, *text,
                            number ? "; write the number without quotes" : ""));
  return std::nullopt;
}

using RuleParser = std::optional<FilterRule> (*)(const std::string& text, std::string& reason);

std::optional<std::vector<FilterRule>> read_rules(const ConfigEntry& entry, RuleParser parse) {
  const auto texts = read_texts(entry, [&](const std::string& text) {
    std::string reason;
    return parse(text, reason) ? "" : fmt::format("must not hold \"{}\": it {}", text, reason);
  });
  if (!texts) return std::nullopt;
  std::vector<FilterRule> rules;
  std::string reason;
  for (const std::string& text : *texts) rules.push_back(*parse(text, reason));
  return rules;
}

std::optional<std::vector<FilterRule>> read_filter(const ConfigEntry& entry) {
  return read_rules(entry, parse_filter_rule);
}

std::optional<std::vector<FilterRule>> read_exclude(const ConfigEntry& entry) {
  return read_rules(entry, parse_exclude);
}

/// A file that is no list of patterns may have lines of any length.
std::string beginning_of(const std::string& line) {
  constexpr size_t kMost = 200;
  return line.size() <= kMost ? line : line.substr(0, kMost) + "...";
}

std::optional<std::vector<FilterRule>> read_exclude_from(const ConfigEntry& entry) {
  const auto path = read_absolute_path(entry);
  if (!path) return std::nullopt;
  const Host::Text file = entry.scope.host.read_file(*path);
  if (!file.content) {
    entry.problem(fmt::format("names '{}', which cannot be read: {}", *path, file.error));
    return std::nullopt;
  }
  std::vector<FilterRule> rules;
  for (const std::string& line : exclude_lines(*file.content)) {
    std::string reason;
    const auto rule = parse_exclude(line, reason);
    if (rule)
      rules.push_back(*rule);
    else
      entry.problem(fmt::format("names '{}', where \"{}\" {}", *path, beginning_of(line), reason));
  }
  return rules;
}

std::optional<std::vector<std::string>> read_follow_into(const ConfigEntry& entry) {
  auto paths = read_texts(entry, [](const std::string& path) {
    std::string reason;
    if (normalise_path(path, reason)) return std::string();
    return fmt::format("has the value \"{}\": {}", path, reason);
  });
  if (!paths) return std::nullopt;
  std::string reason;
  for (std::string& path : *paths) path = *normalise_path(path, reason);
  return paths;
}

std::optional<std::vector<std::string>> read_command(const ConfigEntry& entry) {
  const auto words = read_texts(entry, [](const std::string&) { return std::string(); });
  if (!words) return std::nullopt;
  if (!words->empty() && words->front().starts_with('/')) return words;
  entry.problem("must begin with the absolute path of a program");
  return std::nullopt;
}

void refuse_in_defaults(const ConfigEntry& entry, GroupDraft&) {
  entry.problem("is not allowed there; set it in each [groups.NAME]");
}

ConfigSchema<GroupDraft> shared_keys() {
  return {
      {"user", set(&GroupDraft::user, read_user)},
      {"symlinks", one_of<Group, Symlinks>(&GroupDraft::symlinks,
                                           {{"follow", Symlinks::follow},
                                            {"preserve", Symlinks::preserve},
                                            {"follow-external", Symlinks::follow_external}})},
      {"follow_into", set(&GroupDraft::follow_into, read_follow_into)},
      {"sync_on", one_of<Group, SyncOn>(&GroupDraft::sync_on,
                                        {{"close", SyncOn::close}, {"modify", SyncOn::modify}})},
      {"rescan", duration(&GroupDraft::rescan, {1s, 365 * kDay, "off"})},
      {"delay", duration(&GroupDraft::delay, {0s, 1h})},
      {"max_delay", duration(&GroupDraft::max_delay, {0s, 1h})},
      {"delete", set(&GroupDraft::delete_mode, read_delete)},
      {"delete_excluded", boolean(&GroupDraft::delete_excluded)},
      {"max_delete", set(&GroupDraft::max_delete, read_max_delete)},
      {"exclude", set(&GroupDraft::exclude, read_exclude)},
      {"exclude_from", set(&GroupDraft::exclude_from, read_exclude_from)},
      {"filter", set(&GroupDraft::filter, read_filter)},
      {"standby", boolean(&GroupDraft::standby)},
      {"retry", inner_table(&GroupDraft::retry, retry_schema)},
      {"rsync", inner_table(&GroupDraft::rsync, rsync_schema)},
      {"ssh", inner_table(&GroupDraft::ssh, ssh_schema)},
      {"hooks", inner_table(&GroupDraft::hooks, hooks_schema)},
  };
}

ConfigSchema<GroupDraft> make_group_schema() {
  auto schema = shared_keys();
  schema.push_back({"source", set(&GroupDraft::source, read_source)});
  schema.push_back({"targets", [](const ConfigEntry&, GroupDraft&) {}});
  return schema;
}

ConfigSchema<GroupDraft> make_defaults_schema() {
  auto schema = shared_keys();
  schema.push_back({"source", refuse_in_defaults});
  schema.push_back({"targets", refuse_in_defaults});
  return schema;
}

}  // namespace

const ConfigSchema<Limits>& daemon_schema() {
  static const ConfigSchema<Limits> schema = {
      {"max_transfers", integer(&Limits::max_transfers, 1, 1000)},
      {"max_standby", integer(&Limits::max_standby, 0, 1000)},
      {"log_level", one_of<Limits, LogLevel>(&Limits::log_level, {{"emerg", LogLevel::emerg},
                                                                  {"alert", LogLevel::alert},
                                                                  {"crit", LogLevel::crit},
                                                                  {"err", LogLevel::err},
                                                                  {"warning", LogLevel::warning},
                                                                  {"notice", LogLevel::notice},
                                                                  {"info", LogLevel::info},
                                                                  {"debug", LogLevel::debug}})},
  };
  return schema;
}

const ConfigSchema<GroupDraft>& group_schema() {
  static const ConfigSchema<GroupDraft> schema = make_group_schema();
  return schema;
}

const ConfigSchema<GroupDraft>& defaults_schema() {
  static const ConfigSchema<GroupDraft> schema = make_defaults_schema();
  return schema;
}

const ConfigSchema<RetrySettings>& retry_schema() {
  static const ConfigSchema<RetrySettings> schema = {
      {"initial", duration(&RetrySettings::initial, {100ms, 1h})},
      {"max", duration(&RetrySettings::max, {100ms, kDay})},
  };
  return schema;
}

const ConfigSchema<HookSettings>& hooks_schema() {
  static const ConfigSchema<HookSettings> schema = {
      {"after_sync", set(&HookSettings::after_sync, read_command)},
      {"timeout", duration(&HookSettings::timeout, {1s, kDay})},
  };
  return schema;
}

}  // namespace mirrord
