#include "support/config_host.hpp"

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

}  // namespace
}  // namespace mirrord
