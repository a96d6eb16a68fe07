// Reading single keys of a parsed TOML table, with a complaint at the right place for each fault.
//
// ConfigReport collects what is wrong with one file, ConfigEntry is one key with its value,
// ConfigSchema lists the keys of a table as data. The read_… functions check a value's type and
// range. What the keys are called and where their values go is written in core/config_schema.
#pragma once

#include "core/config.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mirrord {

/// Everything to tell about one file.
class ConfigReport {
 public:
  explicit ConfigReport(std::string file) : file_(std::move(file)) {}

  void problem(toml::source_position at, std::string_view message);
  void warning(toml::source_position at, std::string_view message);

  bool problem_at(toml::source_position at) const;

  /// In order of line and column. Ends the report.
  std::vector<Diagnostic> take();

 private:
  void add(Severity severity, toml::source_position at, std::string_view message);

  std::string file_;
  std::vector<Diagnostic> diagnostics_;
};

/// The table that is being read: who is asked and told, and what messages call it.
struct ConfigScope {
  ConfigReport& report;
  const Host& host;
  std::string name;  ///< "[groups.web]" or "target 2 of [groups.web]"

  ConfigScope inner(std::string_view key) const;
};

/// One key of a table with its value. It points into both, so it lives shorter than they do.
struct ConfigEntry {
  const ConfigScope& scope;
  std::string_view key;
  const toml::node& value;
  toml::source_position key_position;

  /// The same key, but the complaint is about one element of its list.
  ConfigEntry element(const toml::node& node) const { return {scope, key, node, key_position}; }

  /// "key 'delay' in [groups.web] WHAT", at the value.
  void problem(std::string_view what) const;
  void wrong_type(std::string_view wanted) const;
  void unknown(const std::vector<std::string_view>& known) const;
};

/// One row of a schema: a key and what reads its value into the settings.
template <class Settings>
struct ConfigKey {
  std::string_view name;
  std::function<void(const ConfigEntry&, Settings&)> read;
};

template <class Settings>
using ConfigSchema = std::vector<ConfigKey<Settings>>;

/// From `min` to `max`. `none`, where given, is one more accepted text, and means zero.
struct DurationRange {
  Duration min;
  Duration max = Duration::max();
  std::string_view none = {};
  bool whole_seconds = false;
};

// Each returns nothing when the value is wrong, and has then reported why.
std::optional<bool> read_boolean(const ConfigEntry& entry);
std::optional<int64_t> read_integer(const ConfigEntry& entry, int64_t min, int64_t max);
std::optional<std::string> read_text(const ConfigEntry& entry, std::string_view example);
std::optional<Duration> read_duration(const ConfigEntry& entry, const DurationRange& range);
std::optional<uint64_t> read_size(const ConfigEntry& entry);
std::optional<std::string> read_absolute_path(const ConfigEntry& entry);
std::optional<std::string> read_program(const ConfigEntry& entry);

void warn_unless_exists(const ConfigEntry& entry, const std::string& path);
void warn_unless_directory(const ConfigEntry& entry, const std::string& path);

/// A list of texts; `fault` says what is wrong with one of them, "" when nothing is.
std::optional<std::vector<std::string>> read_texts(
    const ConfigEntry& entry, const std::function<std::string(const std::string&)>& fault);

/// "must be one of "a", "b"", with a guess at what `text` was meant to be.
std::string must_be_one_of(const std::vector<std::string_view>& known, std::string_view text);

template <class Row>
std::vector<std::string_view> names_of(const std::vector<Row>& rows) {
  std::vector<std::string_view> names;
  for (const Row& row : rows) names.push_back(row.name);
  return names;
}

/// Reads every key of `table` over what `settings` has already.
template <class Settings>
void read_table(const ConfigScope& scope, const toml::table& table,
                const ConfigSchema<Settings>& schema, Settings& settings) {
  for (auto&& [name, value] : table) {
    const ConfigEntry entry{scope, name.str(), value, name.source().begin};
    const auto row = std::find_if(schema.begin(), schema.end(),
                                  [&](const auto& key) { return key.name == entry.key; });
    if (row == schema.end())
      entry.unknown(names_of(schema));
    else
      row->read(entry, settings);
  }
}

}  // namespace mirrord
