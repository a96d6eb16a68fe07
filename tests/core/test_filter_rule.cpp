#include "core/filter_rule.hpp"

#include <gtest/gtest.h>

namespace mirrord {
namespace {

using Effect = FilterRule::Effect;
using Texts = std::vector<std::string>;

TEST(FilterRule, IsAnExcludeOrAnInclude) {
  struct Case {
    const char* text;
    FilterRule rule;
  };
  const Case cases[] = {
      {"- *.tmp", {Effect::exclude, false, "*.tmp"}},
      {"+ /keep/", {Effect::include, false, "/keep/"}},
      {"-_a_b", {Effect::exclude, false, "a_b"}},
      {"-  two", {Effect::exclude, false, " two"}},
      {"- x ", {Effect::exclude, false, "x "}},
      {"- - x", {Effect::exclude, false, "- x"}},
      {"- !", {Effect::exclude, false, "!"}},
      {"-! */", {Effect::exclude, true, "*/"}},
      {"+,! a", {Effect::include, true, "a"}},
      {"exclude *.tmp", {Effect::exclude, false, "*.tmp"}},
      {"include_x", {Effect::include, false, "x"}},
      {"exclude,! */", {Effect::exclude, true, "*/"}},
      {"- \xff\n", {Effect::exclude, false, "\xff\n"}},
  };
  for (const Case& c : cases) {
    std::string reason;
    EXPECT_EQ(parse_filter_rule(c.text, reason), c.rule) << c.text << " " << reason;
  }
}

TEST(FilterRule, RefusesByNameWhatNotEveryRunCanKeep) {
  struct Case {
    const char* text;
    const char* part_of_reason;
  };
  const Case cases[] = {
      {"", "is no filter rule"},
      {"*.tmp", "is no filter rule"},
      {"excluded x", "is no filter rule"},
      {"- ", "needs a pattern"},
      {"-", "needs a pattern"},
      {"-x", "modifier 'x'"},
      {"-*.tmp", "unknown modifier '*'; the pattern follows one space"},
      {"-/ /etc/passwd", "modifier '/', which matches the absolute path"},
      {"-C", "modifier 'C', which depends on the environment"},
      {"-s x", "modifier 's', which applies to one side only"},
      {"-r x", "modifier 'r', which applies to one side only"},
      {"-!p x", "modifier 'p'"},
      {"exclude,x user.*", "modifier 'x', which is for names of extended attributes"},
      {"H x", "one side only"},
      {"hide x", "one side only"},
      {"S x", "one side only"},
      {"P x", "one side only"},
      {"protect x", "one side only"},
      {"risk x", "one side only"},
      {"merge /etc/rules", "reads another file"},
      {". /etc/rules", "reads another file"},
      {": .rules", "files in the tree"},
      {"dir-merge,n- .rules", "files in the tree"},
      {"!", "drops the rules before it"},
      {"clear", "drops the rules before it"},
  };
  for (const Case& c : cases) {
    std::string reason;
    EXPECT_FALSE(parse_filter_rule(c.text, reason)) << c.text;
    EXPECT_NE(reason.find(c.part_of_reason), std::string::npos) << c.text << ": " << reason;
  }
}

TEST(FilterRule, IsNoLongerThanRsyncReadsIt) {
  std::string reason;
  EXPECT_TRUE(parse_filter_rule("- " + std::string(4095, 'a'), reason));
  EXPECT_FALSE(parse_filter_rule("- " + std::string(4096, 'a'), reason));
  EXPECT_EQ(reason, "is longer than 4095 bytes");
}

TEST(FilterRule, AnExcludeMayCarryAPrefix) {
  std::string reason;
  EXPECT_EQ(parse_exclude("*.tmp", reason), (FilterRule{Effect::exclude, false, "*.tmp"}));
  EXPECT_EQ(parse_exclude("- a", reason), (FilterRule{Effect::exclude, false, "a"}));
  EXPECT_EQ(parse_exclude("+ a", reason), (FilterRule{Effect::include, false, "a"}));
  EXPECT_EQ(parse_exclude("-a", reason), (FilterRule{Effect::exclude, false, "-a"}));
  EXPECT_EQ(parse_exclude("!a", reason), (FilterRule{Effect::exclude, false, "!a"}));
  EXPECT_FALSE(parse_exclude("", reason));
  EXPECT_FALSE(parse_exclude("- ", reason));
  EXPECT_FALSE(parse_exclude("!", reason));
  EXPECT_EQ(reason, "drops the rules before it; leave those out instead");
}

TEST(FilterRule, AFileHasOnePatternALine) {
  EXPECT_EQ(exclude_lines("# kept\n; also\n\n*.tmp\r\n x \n+ y\nlast"),
            (Texts{"*.tmp", " x ", "+ y", "last"}));
  EXPECT_EQ(exclude_lines(""), Texts{});
}

TEST(FilterRule, GoesToRsyncAsItCame) {
  for (const char* text : {"- *.tmp", "+ /keep/", "-! */", "+!  a\nb", "- - x"}) {
    std::string reason;
    const auto rule = parse_filter_rule(text, reason);
    ASSERT_TRUE(rule) << text;
    EXPECT_EQ(text_of(*rule), text);
  }
}

}  // namespace
}  // namespace mirrord
