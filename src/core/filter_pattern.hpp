// One pattern of rsync's filter rules, and what part of a path it is held against.
//
// rsync(1) PATTERN MATCHING RULES: a leading slash anchors at the source, a trailing one means
// directories only, a slash or "**" inside means the path and not the name. Immutable; knows
// nothing of the entry's parents, which core/filter sees to.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mirrord {

class FilterPattern {
 public:
  explicit FilterPattern(std::string text);

  /// `path` is below the source, without a leading slash, and not empty.
  bool matches(std::string_view path, bool is_directory) const;

 private:
  enum class Scope {
    name,      ///< its last element
    elements,  ///< as many of its last elements as the pattern has
    path,      ///< all of it
    rooted,    ///< all of it with a slash before: "**/x" means "x" at the top too
    anywhere,  ///< all of it, and what follows each slash
  };

  Scope scope_of() const;
  bool matches_in_scope(std::string_view path) const;
  bool matches_text(std::string_view text) const;

  std::string text_;  ///< without the slashes at its ends
  bool directories_only_ = false;
  bool anchored_ = false;
  bool wild_ = false;            ///< else "\" is a byte as any other
  bool takes_contents_ = false;  ///< ends in "***": "dir/***" is the directory too
  size_t slashes_ = 0;
  Scope scope_ = Scope::name;
};

}  // namespace mirrord
