#include "core/filter_pattern.hpp"

#include "core/wildcard.hpp"

#include <algorithm>
#include <utility>

namespace mirrord {
namespace {

/// What remains of `path` from its last `count` elements on; nothing when it has fewer.
std::string_view last_elements(std::string_view path, size_t count) {
  for (size_t at = path.size(); at-- > 0;)
    if (path[at] == '/' && --count == 0) return path.substr(at + 1);
  return count == 1 ? path : std::string_view();
}

}  // namespace

FilterPattern::FilterPattern(std::string text) : text_(std::move(text)) {
  directories_only_ = text_.size() > 1 && text_.ends_with('/');
  if (directories_only_) text_.pop_back();
  anchored_ = text_.starts_with('/');
  if (anchored_) text_.erase(0, 1);
  wild_ = text_.find_first_of("*?[") != std::string::npos;
  takes_contents_ = text_.ends_with("***");
  slashes_ = static_cast<size_t>(std::count(text_.begin(), text_.end(), '/'));
  scope_ = scope_of();
}

FilterPattern::Scope FilterPattern::scope_of() const {
  if (anchored_) return Scope::path;
  if (text_.starts_with("**")) return Scope::rooted;
  if (text_.find("**") != std::string::npos) return Scope::anywhere;
  return slashes_ == 0 ? Scope::name : Scope::elements;
}

bool FilterPattern::matches(std::string_view path, bool is_directory) const {
  if (directories_only_ && !is_directory) return false;
  if (!is_directory || !takes_contents_) return matches_in_scope(path);
  return matches_in_scope(std::string(path) + '/');
}

bool FilterPattern::matches_in_scope(std::string_view path) const {
  switch (scope_) {
    case Scope::name:
      return matches_text(last_elements(path, 1));
    case Scope::elements:
      return matches_text(last_elements(path, slashes_ + 1));
    case Scope::path:
      return matches_text(path);
    case Scope::rooted:
      return matches_text('/' + std::string(path));
    case Scope::anywhere:
      break;
  }
  for (size_t slash = path.find('/'); !matches_text(path); slash = path.find('/')) {
    if (slash == std::string_view::npos) return false;
    path.remove_prefix(slash + 1);
  }
  return true;
}

bool FilterPattern::matches_text(std::string_view text) const {
  return wild_ ? wildcard_match(text_, text) : text == text_;
}

}  // namespace mirrord
