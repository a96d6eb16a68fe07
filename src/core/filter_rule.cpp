#include "core/filter_rule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace mirrord {
namespace {

using Effect = FilterRule::Effect;

/// rsync discards longer ones with a warning only.
constexpr size_t kMaxPattern = 4095;

constexpr const char* kOneSided =
    "applies to one side only, so that what it means depends on how a change was noticed; use "
    "\"- \" or \"+ \"";
constexpr const char* kMerge =
    "reads another file; put its rules here, or name it in 'exclude_from'";
constexpr const char* kDirMerge =
    "reads rules from files in the tree, which only a full sync would see; put them here";
constexpr const char* kClear = "drops the rules before it; leave those out instead";
constexpr const char* kCvs = "depends on the environment; list the patterns instead";

struct Kind {
  char letter;
  std::string_view word;
  std::optional<Effect> effect;
  const char* refusal = nullptr;
};

constexpr Kind kKinds[] = {
    {'-', "exclude", Effect::exclude},         {'+', "include", Effect::include},
    {'H', "hide", std::nullopt, kOneSided},    {'S', "show", std::nullopt, kOneSided},
    {'P', "protect", std::nullopt, kOneSided}, {'R', "risk", std::nullopt, kOneSided},
    {'.', "merge", std::nullopt, kMerge},      {':', "dir-merge", std::nullopt, kDirMerge},
    {'!', "clear", std::nullopt, kClear},
};

struct Modifier {
  char letter;
  const char* refusal;
};

constexpr Modifier kRefusedModifiers[] = {
    {'/', "matches the absolute path, which is another one on the target; anchor it at the source"},
    {'C', kCvs},
    {'s', kOneSided},
    {'r', kOneSided},
    {'p', "is ignored in some deletions only; use \"- \""},
    {'x', "is for names of extended attributes; put --filter= into rsync's 'options' instead"},
};

bool separates(char c) { return c == ' ' || c == '_'; }

/// Takes the kind off the front of `text`: a letter, or a word that ends there.
const Kind* take_kind(std::string_view& text) {
  for (const Kind& kind : kKinds) {
    if (!text.starts_with(kind.word)) continue;
    const auto rest = text.substr(kind.word.size());
    if (!rest.empty() && rest.front() != ',' && !separates(rest.front())) continue;
    text = rest;
    return &kind;
  }
  if (text.empty()) return nullptr;
  const auto* kind = std::ranges::find(kKinds, text.front(), &Kind::letter);
  if (kind == std::end(kKinds)) return nullptr;
  text.remove_prefix(1);
  return kind;
}

/// Takes modifiers and the separator off the front of `text`; false when one is refused.
bool take_modifiers(std::string_view& text, FilterRule& rule, std::string& reason) {
  if (text.starts_with(',')) text.remove_prefix(1);
  for (; !text.empty() && !separates(text.front()); text.remove_prefix(1)) {
    if (text.front() == '!') {
      rule.negated = true;
      continue;
    }
    const auto* refused = std::ranges::find(kRefusedModifiers, text.front(), &Modifier::letter);
    reason = refused == std::end(kRefusedModifiers)
                 ? fmt::format("has an unknown modifier '{}'; the pattern follows one space",
                               text.front())
                 : fmt::format("has the modifier '{}', which {}", text.front(), refused->refusal);
    return false;
  }
  if (!text.empty()) text.remove_prefix(1);
  return true;
}

std::optional<FilterRule> with_pattern(FilterRule rule, std::string_view pattern,
                                       std::string& reason) {
  rule.pattern = pattern;
  if (pattern.empty())
    reason = "needs a pattern";
  else if (pattern.size() > kMaxPattern)
    reason = fmt::format("is longer than {} bytes", kMaxPattern);
  else
    return rule;
  return std::nullopt;
}

}  // namespace

std::optional<FilterRule> parse_filter_rule(const std::string& text, std::string& reason) {
  std::string_view rest = text;
  const Kind* kind = take_kind(rest);
  if (!kind) {
    reason = "is no filter rule; write \"- PATTERN\" or \"+ PATTERN\"";
    return std::nullopt;
  }
  if (!kind->effect) {
    reason = kind->refusal;
    return std::nullopt;
  }
  FilterRule rule{*kind->effect, false, {}};
  if (!take_modifiers(rest, rule, reason)) return std::nullopt;
  return with_pattern(std::move(rule), rest, reason);
}

std::optional<FilterRule> parse_exclude(const std::string& text, std::string& reason) {
  std::string_view pattern = text;
  const bool include = pattern.starts_with("+ ");
  if (include || pattern.starts_with("- ")) pattern.remove_prefix(2);
  if (text == "!") {
    reason = kClear;
    return std::nullopt;
  }
  return with_pattern({include ? Effect::include : Effect::exclude, false, {}}, pattern, reason);
}

std::vector<std::string> exclude_lines(const std::string& content) {
  std::vector<std::string> lines;
  for (size_t start = 0; start < content.size();) {
    const size_t end = std::min(content.find_first_of("\r\n", start), content.size());
    const auto line = content.substr(start, end - start);
    start = end + 1;
    if (!line.empty() && line.front() != '#' && line.front() != ';') lines.push_back(line);
  }
  return lines;
}

std::string text_of(const FilterRule& rule) {
  return fmt::format("{}{} {}", rule.effect == Effect::exclude ? '-' : '+', rule.negated ? "!" : "",
                     rule.pattern);
}

}  // namespace mirrord
