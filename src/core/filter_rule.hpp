// One filter rule as written: rsync(1) FILTER RULES, as far as they mean the same in every run.
//
// Live transfers name single paths and full ones walk the tree, so a rule is accepted only when
// both must come to the same verdict: excludes and includes, and the modifier "!". What depends on
// one side only, on files in the tree or on where the tree stands is refused, each with its reason.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <vector>

namespace mirrord {

struct FilterRule {
  enum class Effect { exclude, include };

  Effect effect = Effect::exclude;
  bool negated = false;  ///< for what the pattern does *not* match: the modifier "!"
  std::string pattern;
  auto operator<=>(const FilterRule&) const = default;
};

/// A rule such as "- *.tmp", "+ /keep/" or "exclude,! */". On failure returns nothing and sets
/// `reason`, which is to follow the rule: "needs a pattern".
std::optional<FilterRule> parse_filter_rule(const std::string& text, std::string& reason);

/// A pattern as rsync's --exclude takes it: "*.tmp", or with a prefix "- " or "+ ".
std::optional<FilterRule> parse_exclude(const std::string& text, std::string& reason);

/// The lines of a file as rsync's --exclude-from takes it, without empty ones and comments.
std::vector<std::string> exclude_lines(const std::string& content);

/// The rule as rsync's --filter and mirrord's `filter` read it.
std::string text_of(const FilterRule& rule);


}  // namespace mirrord
