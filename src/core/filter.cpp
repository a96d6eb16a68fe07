#include "core/filter.hpp"

#include <string>

namespace mirrord {
namespace {

bool is_exclude(const FilterRule* rule) {
  return rule && rule->effect == FilterRule::Effect::exclude;
}

}  // namespace

Filter::Filter(const std::vector<FilterRule>& rules) {
  entries_.reserve(rules.size());
  for (const FilterRule& rule : rules) entries_.push_back({rule, FilterPattern(rule.pattern)});
}

const FilterRule* Filter::first_match(std::string_view path, bool is_directory) const {
  if (path.empty()) return nullptr;
  for (const Entry& entry : entries_)
    if (entry.pattern.matches(path, is_directory) != entry.rule.negated) return &entry.rule;
  return nullptr;
}

bool Filter::excludes(std::string_view path, bool is_directory) const {
  return is_exclude(first_match(path, is_directory));
}

const FilterRule* Filter::excluded_by(std::string_view path, bool is_directory) const {
  if (entries_.empty()) return nullptr;
  for (size_t slash = path.find('/'); slash != std::string_view::npos;
       slash = path.find('/', slash + 1)) {
    const FilterRule* rule = first_match(path.substr(0, slash), true);
    if (is_exclude(rule)) return rule;
  }
  const FilterRule* rule = first_match(path, is_directory);
  return is_exclude(rule) ? rule : nullptr;
}

}  // namespace mirrord
