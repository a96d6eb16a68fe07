#include "core/filter.hpp"

#include <gtest/gtest.h>

#include <string>

namespace mirrord {
namespace {

Filter filter(std::initializer_list<const char*> texts) {
  std::vector<FilterRule> rules;
  for (const char* text : texts) {
    std::string reason;
    const auto rule = parse_filter_rule(text, reason);
    EXPECT_TRUE(rule) << text << " " << reason;
    if (rule) rules.push_back(*rule);
  }
  return Filter(rules);
}

/// One pattern, and whether it covers a path; a path that ends in a slash is a directory.
struct Case {
  const char* pattern;
  std::string path;
  bool matches;
};

TEST(FilterPattern, IsHeldAgainstThePartOfThePathThatRsyncTakes) {
  const Case cases[] = {
      {"foo", "foo", true},
      {"foo", "a/b/foo", true},
      {"foo", "foo/bar", false},
      {"foo", "afoo", false},
      {"/foo", "foo", true},
      {"/foo", "a/foo", false},
      {"/", "a/", false},
      {"foo/", "foo", false},
      {"foo/", "foo/", true},
      {"foo/", "a/foo/", true},
      {"/foo/", "a/foo/", false},
      {"foo/bar", "foo/bar", true},
      {"foo/bar", "a/foo/bar", true},
      {"foo/bar", "afoo/bar", false},
      {"foo/bar", "bar", false},
      {"foo/*/bar", "a/foo/x/bar", true},
      {"foo/*/bar", "foo/bar", false},
      {"*.o", "a/b.o", true},
      {"*/b", "x/a/b", true},
      {"/*/b", "x/a/b", false},
      {"/foo/**/bar", "foo/x/y/bar", true},
      {"/foo/**/bar", "foo/bar", false},
      {"foo/**", "a/foo/x/y", true},
      {"foo/**", "foo/", false},
      {"**foo", "foo", true},
      {"**foo", "a/xfoo", true},
      {"**/foo", "foo", true},
      {"**/foo", "xfoo", false},
      {"/**/foo", "foo", false},
      {"/ab**", "abx/a", true},
      {"foo/***", "foo/", true},
      {"foo/***", "foo", false},
      {"foo/***", "a/foo/x/y", true},
      {"foo***", "foo/", true},
      {"a\\b", "a\\b", true},
      {"a\\b*", "ab", true},
      {"a\\b*", "a\\b", false},
      {"a\\\\b*", "a\\b", true},
      {"\\[x]", "[x]", true},
      {"[[:digit:]]x", "a/1x", true},
      {"new\nline", "new\nline", true},
      {"a b ", "a b ", true},
  };
  for (const Case& c : cases) {
    const bool is_directory = c.path.ends_with('/');
    const auto path = is_directory ? c.path.substr(0, c.path.size() - 1) : c.path;
    EXPECT_EQ(FilterPattern(c.pattern).matches(path, is_directory), c.matches)
        << c.pattern << " on " << c.path;
  }
}

TEST(Filter, TheFirstMatchDecides) {
  const Filter rules = filter({"- /ab**", "+ /a**", "- /**"});
  EXPECT_TRUE(rules.excludes("abc", false));
  EXPECT_TRUE(rules.excludes("abx", true));
  EXPECT_FALSE(rules.excludes("acc", false));
  EXPECT_FALSE(rules.excludes("acx/x", false));
  EXPECT_TRUE(rules.excludes("baa", false));
}

TEST(Filter, WithoutARuleEverythingIsIncluded) {
  EXPECT_TRUE(Filter().empty());
  EXPECT_FALSE(Filter().excludes("a", true));
  EXPECT_EQ(Filter().excluded_by("a/b", false), nullptr);
  EXPECT_EQ(filter({"- a"}).first_match("b", false), nullptr);
}

TEST(Filter, TheSourceItselfIsNeverExcluded) {
  EXPECT_FALSE(filter({"- *"}).excludes("", true));
  EXPECT_EQ(filter({"- **"}).excluded_by("", true), nullptr);
}

TEST(Filter, WhatLiesBelowAnExcludedDirectoryIsExcluded) {
  const Filter rules = filter({"+ keep", "- cache/", "+ *"});
  EXPECT_FALSE(rules.excludes("cache/keep", false)) << "alone it is included";
  ASSERT_TRUE(rules.excluded_by("cache/keep", false));
  EXPECT_EQ(rules.excluded_by("cache/keep", false)->pattern, "cache/");
  EXPECT_TRUE(rules.excluded_by("a/cache/b/c", true));
  EXPECT_FALSE(rules.excluded_by("cache", false)) << "a file of that name";
  EXPECT_FALSE(rules.excluded_by("a/cached/b", false));
}

TEST(Filter, AnIncludedFileNeedsItsDirectoriesIncluded) {
  EXPECT_TRUE(filter({"+ *.c", "- *"}).excluded_by("d/a.c", false));
  EXPECT_FALSE(filter({"+ */", "+ *.c", "- *"}).excluded_by("d/a.c", false));
}

TEST(Filter, ANegatedRuleDecidesAboutWhatItsPatternDoesNotMatch) {
  const Filter only_directories = filter({"-! */"});
  EXPECT_TRUE(only_directories.excludes("a", false));
  EXPECT_FALSE(only_directories.excludes("a", true));
  const Filter only_c = filter({"+ */", "-! *.c"});
  EXPECT_FALSE(only_c.excludes("d/a.c", false));
  EXPECT_TRUE(only_c.excludes("d/a.h", false));
}

}  // namespace
}  // namespace mirrord
