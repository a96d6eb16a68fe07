#include "ctl/lsyncd_conversion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "ctl/lsyncd_toml.hpp"

namespace mirrord {
namespace {

bool in_name(char c) {
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool begins_block(const std::string& line) {
  const size_t start = line.find_first_not_of(" \t");
  return start != std::string::npos && line.compare(start, 4, "sync") == 0;
}

template <class Type>
const Type* typed(Conversion& to, const std::string& key, const LuaValue& value, const char* name) {
  const auto* result = value.as<Type>();
  if (!result) to.lose(key, fmt::format("must be {}", name));
  return result;
}

}  // namespace

KeyLines::KeyLines(const std::string& text) {
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines_.push_back(line);
}

bool KeyLines::sets(size_t index, const std::string& key) const {
  const std::string& line = lines_[index];
  const size_t comment = line.find("--");
  for (size_t at = line.find(key); at < comment; at = line.find(key, at + 1)) {
    if (at > 0 && in_name(line[at - 1])) continue;
    const size_t equals = line.find_first_not_of(" \t\"']", at + key.size());
    if (equals == std::string::npos || line[equals] != '=') continue;
    if (equals + 1 < line.size() && line[equals + 1] == '=') continue;
    return true;
  }
  return false;
}

int KeyLines::line_of(const std::string& key, int from) const {
  const size_t first = from > 0 ? static_cast<size_t>(from) - 1 : 0;
  for (size_t i = first; i < lines_.size(); ++i) {
    if (i > first && begins_block(lines_[i])) break;
    if (sets(i, key)) return static_cast<int>(i) + 1;
  }
  int only = 0;
  for (size_t i = 0; i < lines_.size(); ++i) {
    if (!sets(i, key)) continue;
    if (only != 0) return from;
    only = static_cast<int>(i) + 1;
  }
  return only != 0 ? only : from;
}

void Conversion::remark(bool loss, const std::string& key, const std::string& text) {
  // "rsync.rsh" stands as "rsh" in the program.
  const std::string last = key.substr(key.rfind('.') + 1);
  const ImportRemark remark{loss, key.empty() ? line : lines.line_of(last, line),
                            key.empty() ? text : fmt::format("'{}' {}", key, text)};
  if (std::ranges::find(group.remarks, remark) == group.remarks.end())
    group.remarks.push_back(remark);
}

void Conversion::set_raw(TomlKeys& keys, const std::string& key, const std::string& toml) {
  const auto same = std::ranges::find(keys, key, [](const auto& pair) { return pair.first; });
  if (same == keys.end())
    keys.emplace_back(key, toml);
  else
    same->second = toml;
}

void Conversion::set_text(TomlKeys& keys, const std::string& key, const std::string& text) {
  if (const auto quoted = toml_string(text))
    set_raw(keys, key, *quoted);
  else
    lose(key, "is no UTF-8, which TOML cannot hold");
}

const std::string* text_in(Conversion& to, const std::string& key, const LuaValue& value) {
  return typed<std::string>(to, key, value, "a string");
}

const bool* flag_in(Conversion& to, const std::string& key, const LuaValue& value) {
  return typed<bool>(to, key, value, "true or false");
}

const double* number_in(Conversion& to, const std::string& key, const LuaValue& value) {
  return typed<double>(to, key, value, "a number");
}

std::vector<std::string> texts_in(Conversion& to, const std::string& key, const LuaValue& value) {
  if (const auto* text = value.as<std::string>()) return {*text};
  std::vector<std::string> texts;
  const auto* table = value.as<LuaTable>();
  const bool strings_only =
      table && table->fields.empty() &&
      std::ranges::all_of(table->list, [](const LuaValue& one) { return one.as<std::string>(); });
  if (!strings_only)
    to.lose(key, "must be a string or a list of strings");
  else
    for (const LuaValue& one : table->list) texts.push_back(*one.as<std::string>());
  return texts;
}

std::optional<std::string> content_of(Conversion& to, const std::string& key,
                                      const std::string& path) {
  auto content = to.host.read_file(path);
  if (!content) to.lose(key, fmt::format("names '{}', which cannot be read", path));
  return content;
}

std::string number_text(double number) { return fmt::format("{}", number); }

std::optional<std::string> seconds_text(double seconds) {
  if (!(seconds >= 0) || seconds > 3600) return std::nullopt;
  if (seconds == std::floor(seconds)) return fmt::format("{}s", static_cast<int>(seconds));
  return fmt::format("{}ms", static_cast<int>(std::lround(seconds * 1000)));
}

void read_delay(Conversion& to, const std::string& key, const LuaValue& value) {
  const double* seconds = number_in(to, key, value);
  if (!seconds) return;
  const auto duration = seconds_text(*seconds);
  if (!duration) return to.lose(key, "is out of range (0 to 3600)");
  to.set_text(to.group.keys, "delay", *duration);
  // lsyncd counts from the first change, mirrord from the last one, but not beyond max_delay.
  if (*seconds > 0) to.set_text(to.group.keys, "max_delay", *duration);
}

void ignore_key(Conversion&, const std::string&, const LuaValue&) {}

ImportRow::Read note_key(const char* text) {
  return [text](Conversion& to, const std::string& key, const LuaValue&) { to.note(key, text); };
}

void read_inner_table(const std::vector<ImportRow>& rows, Conversion& to, const std::string& key,
                      const LuaValue& value) {
  const auto* table = value.as<LuaTable>();
  if (!table) return to.lose(key, "must be a table");
  for (const LuaField& field : table->fields) {
    const std::string inner = key + '.' + field.key;
    const auto row = std::ranges::find(rows, field.key, &ImportRow::key);
    if (row == rows.end())
      to.lose(inner, "is unknown");
    else
      row->read(to, inner, field.value);
  }
}

}  // namespace mirrord
