// Filter rules, exclude files and patterns: what was read means the same when it is written down
// and read again. The input is rules, a line each, then a NUL and a path.
#include <algorithm>

#include "core/filter.hpp"
#include "core/rsync.hpp"
#include "core/wildcard.hpp"
#include "fuzz/fuzz.hpp"

using namespace mirrord;

namespace {

std::vector<FilterRule> rules_of(const std::string& text) {
  std::vector<FilterRule> rules;
  std::string reason;
  for (const std::string& line : fuzz::parts(text, '\n', 20)) {
    if (const auto rule = parse_filter_rule(line, reason)) {
      const auto again = parse_filter_rule(text_of(*rule), reason);
      fuzz::must(again && *again == *rule, "a rule is what its text says");
      rules.push_back(*rule);
    } else {
      fuzz::must(!reason.empty(), "a refusal has a reason");
    }
    if (const auto rule = parse_exclude(line, reason)) rules.push_back(*rule);
  }
  for (const std::string& line : exclude_lines(text))
    fuzz::must(!line.empty(), "an exclude file has no empty patterns");
  return rules;
}

bool is_path(std::string_view path) {
  return !path.empty() && path.size() < 200 && !path.starts_with('/') && !path.ends_with('/') &&
         path.find("//") == path.npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto texts = fuzz::parts(fuzz::bytes_of(data, size), '\0', 2);
  const Filter filter(rules_of(texts.front()));
  const std::string& path = texts.back();
  if (!is_path(path)) return 0;
  for (const bool directory : {false, true}) {
    const bool excluded = filter.excludes(path, directory);
    fuzz::must(!excluded || filter.first_match(path, directory), "a rule excludes");
    fuzz::must(!excluded || filter.excluded_by(path, directory), "and it can be named");
  }
  wildcard_match(texts.front(), path);
  const std::string pattern = exact_pattern(path);
  const bool wild = pattern.find_first_of("*?[") != pattern.npos;
  fuzz::must(!wild || wildcard_match(pattern, '/' + path), "an exact pattern matches its path");
  return 0;
}
