// What is mirrored: the verdict of a group's rules on one path, the same that rsync comes to.
//
// The first rule that matches decides; without one a path is included. What lies below an excluded
// directory is excluded whatever the rules say of it, rsync(1) FILTER RULES. Immutable, so one
// Filter serves watching, listing and explaining alike. It looks at names only: whether a path is
// a directory is the caller's fact (behind a followed link it is what the link leads to).
#pragma once

#include <string_view>
#include <vector>

#include "core/filter_pattern.hpp"
#include "core/filter_rule.hpp"

namespace mirrord {

class Filter {
 public:
  Filter() = default;
  explicit Filter(const std::vector<FilterRule>& rules);

  bool empty() const { return entries_.empty(); }

  /// The rule that decides about this entry alone, null when none matches. The source itself ("")
  /// matches no rule.
  const FilterRule* first_match(std::string_view path, bool is_directory) const;

  /// For a walk from the top, that is, when every directory above `path` is included.
  bool excludes(std::string_view path, bool is_directory) const;

  /// The rule by which the entry, or the topmost directory above it, is excluded; null = mirrored.
  const FilterRule* excluded_by(std::string_view path, bool is_directory) const;

 private:
  struct Entry {
    FilterRule rule;
    FilterPattern pattern;
  };

  std::vector<Entry> entries_;
};

}  // namespace mirrord
