// The kinds of readers that rows of a schema are made of: each puts one value into one member.
//
// Only for the files that write schemas: core/config_schema, core/config_schema_transport and
// core/config_targets.
#pragma once

#include "core/config_reader.hpp"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mirrord {

/// Puts what `read` makes of the entry into `member`; a wrong value leaves it as it was.
template <class Settings, class Member, class Read>
auto set(Member Settings::*member, Read read) {
  return [member, read](const ConfigEntry& entry, Settings& settings) {
    if (auto value = read(entry)) settings.*member = static_cast<Member>(*std::move(value));
  };
}

template <class Settings>
auto boolean(bool Settings::*member) {
  return set(member, read_boolean);
}

template <class Settings, class Number>
auto integer(Number Settings::*member, int64_t min, int64_t max) {
  return set(member, [=](const ConfigEntry& entry) { return read_integer(entry, min, max); });
}

template <class Settings>
auto text(std::string Settings::*member, std::string_view example) {
  return set(member, [=](const ConfigEntry& entry) { return read_text(entry, example); });
}

template <class Settings, class Member>
auto duration(Member Settings::*member, DurationRange range) {
  return set(member, [=](const ConfigEntry& entry) { return read_duration(entry, range); });
}

template <class Settings>
auto absolute_path(std::string Settings::*member) {
  return set(member, read_absolute_path);
}

template <class Settings>
auto program(std::string Settings::*member) {
  return set(member, read_program);
}

/// A path that may appear later; until then it is worth a warning.
template <class Settings>
auto awaited_path(std::string Settings::*member) {
  return set(member, [](const ConfigEntry& entry) {
    const auto path = read_absolute_path(entry);
    if (path) warn_unless_exists(entry, *path);
    return path;
  });
}

template <class Settings>
auto texts(std::vector<std::string> Settings::*member,
           std::string (*fault)(const std::string& text)) {
  return set(member, [=](const ConfigEntry& entry) { return read_texts(entry, fault); });
}

/// One of the words that a key knows.
template <class Value>
struct Choice {
  std::string_view name;
  Value value;
};

template <class Value>
std::optional<Value> read_choice(const ConfigEntry& entry,
                                 const std::vector<Choice<Value>>& choices) {
  const auto word = read_text(entry, choices.front().name);
  if (!word) return std::nullopt;
  for (const Choice<Value>& choice : choices)
    if (choice.name == *word) return choice.value;
  entry.problem(must_be_one_of(names_of(choices), *word));
  return std::nullopt;
}

template <class Settings, class Value>
auto one_of(Value Settings::*member, std::vector<Choice<Value>> choices) {
  return set(member, [=](const ConfigEntry& entry) { return read_choice(entry, choices); });
}

template <class Settings, class Inner>
auto inner_table(Inner Settings::*member, const ConfigSchema<Inner>& (*schema)()) {
  return [=](const ConfigEntry& entry, Settings& settings) {
    read_inner_table(entry, schema(), settings.*member);
  };
}

}  // namespace mirrord
