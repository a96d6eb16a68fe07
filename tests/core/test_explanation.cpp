#include "core/explanation.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace mirrord {
namespace {

using Paths = std::vector<std::string>;

const std::vector<LinkFact> kLinks = {
    {"images", "/home/imgcms/images", LinkEnd::directory},
    {"pictures", "/home/imgcms", LinkEnd::directory},
    {"nowhere", "", LinkEnd::dangling},
    {"round", "/home/webmgr/contents", LinkEnd::loop},
    {"secret", "/root/secret", LinkEnd::unreadable},
    {"etc", "/etc", LinkEnd::outside},
};

Paths names_of(const std::string& path) {
  return logical_paths(path, "/home/webmgr/current", "/home/webmgr/contents", kLinks);
}

TEST(LogicalPaths, AsAUserGivesThem) {
  EXPECT_EQ(Paths{"a/b"}, names_of("a/b"));
  EXPECT_EQ(Paths{"a/b"}, names_of("./a/b/"));
  EXPECT_EQ(Paths{""}, names_of("."));
  EXPECT_EQ(Paths{"a/b"}, names_of("/home/webmgr/current/a/b"));
  EXPECT_EQ(Paths{"a/b"}, names_of("/home/webmgr/contents/a/b"));
  EXPECT_EQ(Paths{""}, names_of("/home/webmgr/contents"));
  EXPECT_EQ(Paths{}, names_of("/home/webmgr/contents-2/a"));
  EXPECT_EQ(Paths{"a/b"}, names_of("./a//c/../b"));
  EXPECT_EQ(Paths{}, names_of("../outside"));
  EXPECT_EQ(Paths{}, names_of("/home/webmgr/contents/../outside"));
}

TEST(LogicalPaths, WhereALinkLeadsTo) {
  EXPECT_EQ((Paths{"images/a.png", "pictures/images/a.png"}),
            names_of("/home/imgcms/images/a.png"));
  EXPECT_EQ((Paths{"images", "pictures/images"}), names_of("/home/imgcms/images"));
  EXPECT_EQ(Paths{}, names_of("/etc/passwd")) << "out of bounds is not part of the mirror";
}

std::string why(const std::string& path, const std::string& type = "file",
                const Paths& symlinks = {}, const Paths& unreadable = {}) {
  std::string reason;
  Filter filter({*parse_exclude("*.tmp", reason), *parse_exclude("/cache/", reason)});
  return why_not({path, type, "", symlinks}, filter, kLinks, unreadable);
}

TEST(WhyNot, NothingIsWrong) {
  EXPECT_EQ("", why("images/a.png", "file", {"images"}));
  EXPECT_EQ("", why("", "directory"));
}

TEST(WhyNot, NamesTheRule) {
  EXPECT_EQ("excluded by the rule '- *.tmp'", why("images/a.tmp"));
  EXPECT_EQ("excluded by the rule '- /cache/'", why("cache/deep/file"));
  EXPECT_EQ("", why("cache", "file")) << "the rule is for directories";
}

TEST(WhyNot, NamesTheLink) {
  EXPECT_EQ("the link 'nowhere' leads nowhere", why("nowhere", "link", {"nowhere"}));
  EXPECT_EQ("the link 'round' leads to a directory that it is in", why("round/images/a.png"));
  EXPECT_EQ("the link 'secret' leads to what the group's user cannot read", why("secret"));
  EXPECT_EQ("the link 'etc' leads out of 'follow_into', to '/etc'", why("etc/passwd"));
}

TEST(WhyNot, ALinkThatStaysOneHidesWhatIsBehindIt) {
  EXPECT_EQ("it is behind the link 'kept', which stays a link", why("kept/a", "file", {"kept"}));
  EXPECT_EQ("", why("kept", "link", {"kept"})) << "the link itself is mirrored";
}

TEST(WhyNot, WhatCannotBeRead) {
  EXPECT_EQ("the directory 'private' cannot be read by the group's user, or is not mounted",
            why("private/a", "file", {}, {"private"}));
  EXPECT_EQ("", why("private", "directory", {}, {"private"}));
}

TEST(WhyNot, NothingThere) { EXPECT_EQ("there is no such file", why("a", "missing")); }

TEST(ExplanationJson, EscapesWhatIsNoText) {
  Explanation one;
  one.group = "web";
  one.facts = {"odd\xff\n", "file", "/src/odd\xff\n", {}};
  one.targets = {{"tgt1", "syncing", true}};
  auto json = nlohmann::json::parse(to_json(one));
  EXPECT_EQ("odd\\xff\\n", json["path"]);
  EXPECT_EQ(true, json["mirrored"]);
  EXPECT_EQ("syncing", json["targets"][0]["state"]);
  EXPECT_EQ(true, json["targets"][0]["pending"]);
}

}  // namespace
}  // namespace mirrord
