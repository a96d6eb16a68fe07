#include "core/wildcard.hpp"

#include <gtest/gtest.h>

#include <string>

namespace mirrord {
namespace {

struct Case {
  std::string_view pattern;
  std::string_view text;
};

void expect(bool expected, std::initializer_list<Case> cases) {
  for (const Case& c : cases)
    EXPECT_EQ(wildcard_match(c.pattern, c.text), expected) << c.pattern << " on " << c.text;
}

TEST(Wildcard, BytesMatchThemselves) {
  expect(true, {{"", ""}, {"a/b", "a/b"}, {"\xff", "\xff"}, {"\\*", "*"}, {"a\\b", "ab"}});
  expect(false, {{"", "a"}, {"a", ""}, {"a", "ab"}, {"ab", "a"}, {"\\*", "a"}, {"a\\", "a\\"}});
}

TEST(Wildcard, AQuestionMarkIsOneByteButASlash) {
  expect(true, {{"?", "a"}, {"a?c", "a\nc"}, {"??", "\xc3\xa4"}});
  expect(false, {{"?", ""}, {"?", "ab"}, {"a?b", "a/b"}});
}

TEST(Wildcard, OneStarStopsAtASlash) {
  expect(true, {{"*", ""},
                {"*", "abc"},
                {"*.c", ".c"},
                {"a*c", "abbc"},
                {"*a*b", "aab"},
                {"*/x*/b", "a/xx/b"},
                {"*ab", "aab"},
                {"*a*/b", "xaya/b"}});
  expect(false, {{"*", "a/b"}, {"*b", "a/b"}, {"a*", "a/"}, {"*/b", "a/a/b"}, {"*x*/b", "a/x/b"}});
}

TEST(Wildcard, TwoStarsReachOverSlashes) {
  expect(true, {{"**", ""},
                {"**", "a/b"},
                {"**b", "a/b"},
                {"a**", "a/b/c"},
                {"a/**/b", "a/x/y/b"},
                {"**/*.c", "a/b/x.c"},
                {"***", "a/"},
                {"**a*b/c", "a/xa/ab/c"},
                {"*/**/a*c", "x/y/az/abc"}});
  expect(false, {{"a/**/b", "a/b"}, {"**b", "a/c"}, {"**a*b", "a/b"}, {"*/**c", "a/b"}});
}

TEST(Wildcard, ABracketIsOneByteOfASet) {
  expect(true, {{"[abc]", "b"},
                {"[a-c]", "b"},
                {"[]a]", "]"},
                {"[^]a]", "b"},
                {"[!a-c]", "d"},
                {"[a-]", "-"},
                {"[-a]", "-"},
                {"[a-c-e]", "-"},
                {"[\\]]", "]"},
                {"[\\a-c]", "b"},
                {"[a-\\c]", "b"},
                {"[[]", "["},
                {"[[:x]", ":"},
                {"[:]", ":"},
                {"[\x80-\xff]", "\xc3"},
                {"[[:]", ":"}});
  expect(false, {{"[abc]", "d"},
                 {"[!a]", "/"},
                 {"[/]", "/"},
                 {"[.-0]", "/"},
                 {"[a-c-e]", "d"},
                 {"[a", "a"},
                 {"[]", "]"},
                 {"[a\\", "a"},
                 {"[!]", "!"},
                 {"[c-a]", "b"}});
}

TEST(Wildcard, ABracketKnowsTheClassesOfRegex7) {
  expect(true, {{"[[:alpha:]]", "x"},
                {"[[:digit:][:upper:]]", "X"},
                {"[^[:space:]]", "x"},
                {"[[:alnum:]]", "0"},
                {"[[:blank:]]", "\t"},
                {"[[:cntrl:]]", "\x7f"},
                {"[[:graph:]]", "~"},
                {"[[:lower:]_]", "_"},
                {"[[:print:]]", " "},
                {"[[:punct:]]", "]"},
                {"[[:xdigit:]]", "F"},
                {"[[:space:]]", "\v"}});
  expect(false, {{"[[:alpha:]]", "\xe4"},
                 {"[[:digit:]]", "a"},
                 {"[[:graph:]]", " "},
                 {"[[:punct:]]", "a"},
                 {"[[:nonsense:]]", "n"},
                 {"[[::]]", ":"},
                 {"[[:alpha:]", "a"},
                 {"[[:xdigit:]]", "g"},
                 {"[[:punct:]]", "/"}});
}

TEST(Wildcard, ManyStarsTakeNoTime) {
  const std::string text(1000, 'a');
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "a*";
  EXPECT_FALSE(wildcard_match(pattern + "b", text));
  EXPECT_FALSE(wildcard_match("**" + pattern + "b", text));
}

}  // namespace
}  // namespace mirrord
