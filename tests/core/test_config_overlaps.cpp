#include "support/config_host.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace mirrord {
namespace {

using test::parse;
using test::texts_of;

/// What is said of group "a" with this target, beside a group "b" with that one.
std::string said(const std::string& a, const std::string& b, const std::string& more_of_a = "",
                 const std::string& source_of_b = "/b") {
  return texts_of(parse("[groups.a]\nsource = \"/a\"\ntargets = [" + a + "]\n" + more_of_a +
                        "\n[groups.b]\nsource = \"" + source_of_b + "\"\ndelete = false\n" +
                        "targets = [" + b + "]\n"));
}

TEST(ConfigOverlaps, WhoDeletesWhatAnotherSendsIsTold) {
  EXPECT_EQ(said(R"("h:/x")", R"("h:/x/")"),
            "warning: a.toml:1:1: [groups.a] deletes in 'h:/x' what group 'b' sends to 'h:/x/', "
            "the same directory; mirror to another place, or set delete = false here\n");
  EXPECT_EQ(said(R"("h::m")", R"("h::m/x/y")"),
            "warning: a.toml:1:1: [groups.a] deletes in 'h::m' what group 'b' sends to 'h::m/x/y', "
            "a directory in it; mirror to another place, exclude \"/x/y\", or set delete = "
            "false here\n");
}

TEST(ConfigOverlaps, OneGroupMayBeInItsOwnWay) {
  EXPECT_EQ(texts_of(parse("[groups.a]\nsource = \"/a\"\ntargets = [\"/x\", \"/x/y\"]\n")),
            "warning: a.toml:1:1: [groups.a] deletes in '/x' what it sends to '/x/y', a directory "
            "in it; mirror to another place, exclude \"/y\", or set delete = false here\n");
}

TEST(ConfigOverlaps, OtherPlacesAreNoMatterOfThis) {
  EXPECT_EQ(said(R"("h:/x")", R"("h:/xy")"), "");
  EXPECT_EQ(said(R"("h:/x")", R"("g:/x")"), "");
  EXPECT_EQ(said(R"("h:/x")", R"("h::x")"), "");
  EXPECT_EQ(said(R"("h:/x/y")", R"("h:/x")"), "") << "the outer one deletes nothing";
  EXPECT_EQ(said(R"("h:/x")", R"({ to = "h:/x", ssh = { port = 2222 } })"), "")
      << "perhaps another machine";
}

TEST(ConfigOverlaps, WhatIsNotDeletedIsNoMatterOfThis) {
  EXPECT_EQ(said(R"("h:/x")", R"("h:/x/y")", "delete = false"), "");
  EXPECT_EQ(said(R"("h:/x")", R"("h:/x/y/z")", "exclude = [\"/y\"]"), "");
  EXPECT_NE(said(R"("h:/x")", R"("h:/x/y")", "exclude = [\"/y\"]\ndelete_excluded = true"), "");
  EXPECT_EQ(said(R"("h:/x")", R"("h:/x/y")", "", "/a/y"), "") << "it is the same content";
}

/// What is said of groups "a", "b" and so on with these sources and targets.
std::string said_of_chain(const std::vector<std::pair<std::string, std::string>>& groups,
                          const std::string& more = "") {
  std::string text;
  char name = 'a';
  for (const auto& [source, target] : groups)
    text += fmt::format("[groups.{}]\nsource = \"{}\"\ntargets = [\"{}\"]\n{}\n", name++, source,
                        target, more);
  return texts_of(parse(text));
}

TEST(ConfigOverlaps, ARingOfLocalDirectoriesIsRefused) {
  EXPECT_EQ(
      said_of_chain({{"/x/la", "/x/lb"}, {"/x/lb", "/x/la"}}),
      "a.toml:1:1: the groups 'a', 'b' are a ring, each sends into the source of the next one: "
      "what is copied comes round for ever; mirror to another place\n");
  EXPECT_EQ(
      said_of_chain({{"/1", "/2"}, {"/3", "/1/in/it"}, {"/2", "/3"}}),
      "a.toml:1:1: the groups 'a', 'c', 'b' are a ring, each sends into the source of the next "
      "one: what is copied comes round for ever; mirror to another place\n");
}

TEST(ConfigOverlaps, ARingThatRulesMayBreakIsToldOf) {
  EXPECT_EQ(
      said_of_chain({{"/1", "/2"}, {"/2", "/1"}}, "exclude = [\"*.tmp\"]"),
      "warning: a.toml:1:1: the groups 'a', 'b' are a ring, each sends into the source of the "
      "next one: what is copied comes round for ever; mirror to another place, unless the "
      "rules keep apart what each of them sends\n");
  EXPECT_EQ(said_of_chain({{"/1", "/2"}, {"/2", "/1/back"}}, "exclude = [\"/back\"]"), "");
}

TEST(ConfigOverlaps, AChainIsNoRing) {
  EXPECT_EQ(said_of_chain({{"/1", "/2"}, {"/2", "/3"}, {"/3", "/4"}}), "");
  EXPECT_EQ(said_of_chain({{"/1", "/2"}, {"/2", "h:/1"}}), "");
  EXPECT_EQ(said_of_chain({{"/1", "/2"}, {"/2/in", "/1/out"}}), "") << "it comes back elsewhere";
}

}  // namespace
}  // namespace mirrord
