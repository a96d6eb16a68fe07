#include "core/config_reader.hpp"

#include "core/config_values.hpp"
#include "core/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace mirrord {
namespace {

/// More known keys than this are looked up in the manual rather than listed in a message.
constexpr size_t kMaxListedKeys = 8;

std::string_view name_of_type(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a fraction";
    case toml::node_type::boolean:
      return "a boolean";
    default:
      return "a date or time";
  }
}

std::string quoted_list(const std::vector<std::string_view>& words, char quote) {
  std::string text;
  for (const std::string_view word : words)
    text += fmt::format("{}{}{}{}", text.empty() ? "" : ", ", quote, word, quote);
  return text;
}

std::string advice_for_key(std::string_view key, const std::vector<std::string_view>& known) {
  const std::string_view guess = nearest(key, known);
  if (!guess.empty()) return fmt::format("did you mean '{}'?", guess);
  if (known.size() <= kMaxListedKeys) return "known keys are " + quoted_list(known, '\'');
  return "mirrord.toml(5) lists the known keys";
}

/// The known word that begins as `text` does, or the other way round: "warn", "error".
std::string_view longer_or_shorter(std::string_view text,
                                   const std::vector<std::string_view>& known) {
  constexpr size_t kTelling = 3;
  const auto word = std::ranges::find_if(known, [&](std::string_view one) {
    const size_t common = std::min(one.size(), text.size());
    return common >= kTelling && one.substr(0, common) == text.substr(0, common);
  });
  return word == known.end() ? std::string_view() : *word;
}

bool within(const DurationRange& range, Duration duration) {
  const bool whole = duration % std::chrono::seconds(1) == Duration::zero();
  return duration >= range.min && duration <= range.max && (whole || !range.whole_seconds);
}

std::string describe(const DurationRange& range) {
  std::string text =
      range.none.empty() ? "must be " : fmt::format("must be \"{}\" or ", range.none);
  if (range.max == Duration::max())
    text += fmt::format("at least \"{}\"", format_duration(range.min));
  else
    text += fmt::format("between \"{}\" and \"{}\"", format_duration(range.min),
                        format_duration(range.max));
  return range.whole_seconds ? text + " in whole seconds" : text;
}

void warn_of_path(const ConfigEntry& entry, const std::string& path, std::string_view what) {
  entry.scope.report.warning(
      entry.value.source().begin,
      fmt::format("key '{}' in {} names '{}', which {}", entry.key, entry.scope.name, path, what));
}

}  // namespace

void ConfigReport::problem(toml::source_position at, std::string_view message) {
  add(Severity::problem, at, message);
}

void ConfigReport::warning(toml::source_position at, std::string_view message) {
  add(Severity::warning, at, message);
}

bool ConfigReport::problem_at(toml::source_position at) const {
  return std::any_of(diagnostics_.begin(), diagnostics_.end(), [&](const Diagnostic& one) {
    return one.severity == Severity::problem && one.line == at.line && one.column == at.column;
  });
}

std::vector<Diagnostic> ConfigReport::take() {
  std::stable_sort(diagnostics_.begin(), diagnostics_.end(), [](const auto& a, const auto& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
  return std::move(diagnostics_);
}

void ConfigReport::add(Severity severity, toml::source_position at, std::string_view message) {
  Diagnostic diagnostic{severity, file_, at.line, at.column, std::string(message)};
  // What is wrong in [defaults] shows in each group that inherits it, but is said once.
  if (std::find(diagnostics_.begin(), diagnostics_.end(), diagnostic) != diagnostics_.end()) return;
  diagnostics_.push_back(std::move(diagnostic));
}

ConfigScope ConfigScope::inner(std::string_view key) const {
  if (!name.starts_with('[')) return {report, host, fmt::format("{} of {}", key, name)};
  return {report, host, fmt::format("{}.{}]", name.substr(0, name.size() - 1), key)};
}

void ConfigEntry::problem(std::string_view what) const {
  scope.report.problem(value.source().begin,
                       fmt::format("key '{}' in {} {}", key, scope.name, what));
}

void ConfigEntry::wrong_type(std::string_view wanted) const {
  problem(fmt::format("must be {}, not {}", wanted, name_of_type(value)));
}

void ConfigEntry::unknown(const std::vector<std::string_view>& known) const {
  scope.report.problem(key_position, fmt::format("unknown key '{}' in {}; {}", key, scope.name,
                                                 advice_for_key(key, known)));
}

std::optional<bool> read_boolean(const ConfigEntry& entry) {
  const auto* value = entry.value.as_boolean();
  if (value) return value->get();
  entry.wrong_type("true or false");
  return std::nullopt;
}

std::optional<int64_t> read_integer(const ConfigEntry& entry, int64_t min, int64_t max) {
  const auto* value = entry.value.as_integer();
  if (!value) {
    entry.wrong_type(fmt::format("an integer from {} to {}", min, max));
    return std::nullopt;
  }
  if (value->get() >= min && value->get() <= max) return value->get();
  entry.problem(fmt::format("must be between {} and {}, not {}", min, max, value->get()));
  return std::nullopt;
}

std::optional<std::string> read_text(const ConfigEntry& entry, std::string_view example) {
  const auto* value = entry.value.as_string();
  if (!value) {
    entry.wrong_type(fmt::format("a string such as \"{}\"", example));
    return std::nullopt;
  }
  if (value->get().find('\0') == std::string::npos) return value->get();
  entry.problem("must not contain a NUL character");
  return std::nullopt;
}

std::optional<Duration> read_duration(const ConfigEntry& entry, const DurationRange& range) {
  const auto text = read_text(entry, "5s");
  if (!text) return std::nullopt;
  if (!range.none.empty() && *text == range.none) return Duration::zero();
  const auto duration = parse_duration(*text);
  if (!duration) {
    entry.problem(
        fmt::format("must be a duration such as \"5s\" or \"1min 30s\", not \"{}\"", *text));
    return std::nullopt;
  }
  // Where "0" is a word for none, so is "0s".
  const bool none = duration == parse_duration(std::string(range.none));
  if (none || within(range, *duration)) return duration;
  entry.problem(fmt::format("{}, not \"{}\"", describe(range), *text));
  return std::nullopt;
}

std::optional<uint64_t> read_size(const ConfigEntry& entry) {
  constexpr std::string_view kExample = "a size such as \"10M\" or a number of bytes";
  if (const auto* number = entry.value.as_integer()) {
    if (number->get() >= 0) return static_cast<uint64_t>(number->get());
    entry.problem(fmt::format("must not be negative, but is {}", number->get()));
    return std::nullopt;
  }
  if (!entry.value.is_string()) {
    entry.wrong_type(kExample);
    return std::nullopt;
  }
  const auto text = read_text(entry, "10M");
  if (!text) return std::nullopt;
  const auto size = parse_size(*text);
  if (!size) entry.problem(fmt::format("must be {}, not \"{}\"", kExample, *text));
  return size;
}

std::optional<std::string> read_absolute_path(const ConfigEntry& entry) {
  const auto text = read_text(entry, "/path");
  if (!text || text->starts_with('/')) return text;
  entry.problem(fmt::format("must be an absolute path, not \"{}\"", *text));
  return std::nullopt;
}

std::optional<std::string> read_program(const ConfigEntry& entry) {
  const auto text = read_text(entry, "/usr/bin/program");
  if (!text) return std::nullopt;
  const bool named = !text->empty() && text->find('/') == std::string::npos;
  if (named || text->starts_with('/')) return text;
  entry.problem(fmt::format("must be a program's name or absolute path, not \"{}\"", *text));
  return std::nullopt;
}

void warn_unless_exists(const ConfigEntry& entry, const std::string& path) {
  if (entry.scope.host.path_kind(path) == PathKind::missing)
    warn_of_path(entry, path, "does not exist (yet)");
}

void warn_unless_directory(const ConfigEntry& entry, const std::string& path) {
  warn_unless_exists(entry, path);
  if (entry.scope.host.path_kind(path) == PathKind::other)
    warn_of_path(entry, path, "is no directory");
}

std::optional<std::vector<std::string>> read_texts(
    const ConfigEntry& entry, const std::function<std::string(const std::string&)>& fault) {
  const auto* list = entry.value.as_array();
  if (!list) {
    entry.wrong_type("a list of strings");
    return std::nullopt;
  }
  std::vector<std::string> texts;
  for (const toml::node& node : *list) {
    const ConfigEntry element = entry.element(node);
    if (!node.is_string()) {
      element.problem(fmt::format("must hold strings only, not {}", name_of_type(node)));
      continue;
    }
    const auto text = read_text(element, "");
    const std::string wrong = text ? fault(*text) : "";
    if (!wrong.empty()) element.problem(wrong);
    if (text && wrong.empty()) texts.push_back(*text);
  }
  if (texts.size() < list->size()) return std::nullopt;
  return texts;
}

std::string must_be_one_of(const std::vector<std::string_view>& known, std::string_view text) {
  const std::string_view slip = nearest(text, known);
  const std::string_view guess = slip.empty() ? longer_or_shorter(text, known) : slip;
  const std::string advice = guess.empty() ? "" : fmt::format("; did you mean \"{}\"?", guess);
  return fmt::format("must be one of {}, not \"{}\"{}", quoted_list(known, '"'), text, advice);
}

}  // namespace mirrord
