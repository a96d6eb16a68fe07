#include "core/config.hpp"
#include "support/config_host.hpp"

#include <gtest/gtest.h>

namespace mirrord {
namespace {

using test::parse;
using test::texts_of;

std::vector<std::string> names_of_targets(const std::string& targets) {
  const auto parsed = parse("[groups.web]\nsource = \"/src\"\ntargets = " + targets + "\n");
  EXPECT_TRUE(parsed.ok()) << texts_of(parsed);
  std::vector<std::string> names;
  if (parsed.ok())
    for (const Target& target : parsed.config->groups[0].targets) names.push_back(target.name);
  return names;
}

std::string problems_of_targets(const std::string& targets) {
  return texts_of(parse("[groups.web]\nsource = \"/src\"\ntargets = " + targets + "\n"));
}

TEST(ConfigTargets, AreNamedByHostWhereThatIsUnique) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(names_of_targets(R"(["a@h1:/x", "h2:/x"])"), (Names{"h1", "h2"}));
  EXPECT_EQ(names_of_targets(R"(["h1:/x", "h1:/y", "h2:/x"])"), (Names{"h1:/x", "h1:/y", "h2"}));
  EXPECT_EQ(names_of_targets(R"(["[::1]:/x", "/backup/"])"), (Names{"::1", "/backup/"}));
  EXPECT_EQ(names_of_targets(R"([{ to = "h1:/x", name = "one" }, "h2:/x"])"), (Names{"one", "h2"}));
}

TEST(ConfigTargets, MayBeAnArrayOfTables) {
  const auto parsed = parse(
      "[groups.web]\nsource = \"/src\"\n[[groups.web.targets]]\nto = "
      "\"h1:/x\"\n[[groups.web.targets]]\nto = \"h2:/x\"\n");
  ASSERT_TRUE(parsed.ok()) << texts_of(parsed);
  EXPECT_EQ(parsed.config->groups[0].targets.size(), 2u);
}

TEST(ConfigTargets, WhatIsWrongWithOneIsSaidAtItsPlace) {
  const std::pair<const char*, const char*> cases[] = {
      {R"([{ name = "x" }])",
       "a.toml:3:12: key 'to' is missing in target 1 of [groups.web]; name the destination, as in "
       "to = \"host:/path\"\n"},
      {R"([1, { to = "h:/x", ssh = { port = "a" } }])",
       "a.toml:3:12: key 'targets' in [groups.web] must be a string such as \"host:/path\", or a "
       "table with the key 'to', not an integer\n"
       "a.toml:3:45: key 'port' in ssh of target 2 of [groups.web] must be an integer from 1 to "
       "65535, not a string\n"},
      {R"([{ to = "h:/x", nam = "a" }])",
       "a.toml:3:27: unknown key 'nam' in target 1 of [groups.web]; did you mean 'name'?\n"},
      {R"([{ to = "h:/x", name = "" }])",
       "a.toml:3:34: key 'name' in target 1 of [groups.web] must not be empty, nor contain control "
       "characters\n"},
      {R"(["-x:/y"])",
       "a.toml:3:12: key 'targets' in [groups.web] has the destination \"-x:/y\": ssh would read a "
       "host that begins with '-' as an option\n"},
      {R"(["rsync://me:secret@h/mod"])",
       "a.toml:3:12: key 'targets' in [groups.web] has the destination \"rsync://me@h/mod\": there "
       "is a password in it; put it into a file, and name that in rsync.password_file\n"},
      {R"(["h:/x\u0000"])",
       "a.toml:3:12: key 'targets' in [groups.web] must not contain a NUL character\n"},
      {R"(["rsync://h/mod/../x"])",
       "a.toml:3:12: key 'targets' in [groups.web] has the destination \"rsync://h/mod/../x\": the "
       "path must not contain '..'\n"},
  };
  for (const auto& [targets, message] : cases) EXPECT_EQ(problems_of_targets(targets), message);
}

TEST(ConfigTargets, DoNotShareANameOrAPlace) {
  EXPECT_EQ(problems_of_targets(R"(["h:/x", "h:/x/"])"),
            "a.toml:3:20: in [groups.web], destination \"h:/x/\" is listed twice; remove one\n");
  EXPECT_EQ(problems_of_targets(R"([{ to = "h:/x", name = "g" }, "g:/x"])"),
            "a.toml:3:41: in [groups.web], target name 'g' is used twice; give one of them another "
            "'name'\n");
}

TEST(ConfigTargets, DoNotOverlapWithTheSource) {
  for (const char* path : {"/src", "/src/", "/src/copy", "//src/./copy"})
    EXPECT_NE(problems_of_targets("[\"" + std::string(path) + "\"]").find("overlap"),
              std::string::npos)
        << path;
  EXPECT_EQ(texts_of(parse("[groups.web]\nsource = \"/a/b/c\"\ntargets = [\"/a/b\"]\n")),
            "a.toml:3:12: in [groups.web], destination '/a/b' and source '/a/b/c' overlap; mirror "
            "to a place outside of the source\n");
  EXPECT_EQ(problems_of_targets(R"(["/src2", "h:/src"])"), "");
}

// rsync: "--inplace cannot be used with --partial-dir".
TEST(ConfigTargets, AreNotUpdatedInPlaceAndInAPartialDirectory) {
  const std::string why =
      " do not go together: rsync keeps a partial file either in place or in that directory; "
      "remove one of them\n";
  const std::string both = "rsync.inplace = true and rsync.partial_dir = \".p\"" + why;
  const std::string group = "[groups.web]\nsource = \"/src\"\n";
  const std::string targets = "targets = [\"h1:/x\", \"h2:/x\"]\n";
  const std::string own = "targets = [\"h1:/x\", { to = \"h2:/x\", rsync = { ";
  EXPECT_EQ(texts_of(parse(group + targets + "rsync = { inplace = true, partial_dir = \".p\" }\n")),
            "a.toml:4:41: in [groups.web], " + both);
  EXPECT_EQ(texts_of(parse("[defaults.rsync]\npartial_dir = \".p\"\n" + group + targets +
                           "rsync.inplace = true\n")),
            "a.toml:6:17: in [groups.web], " + both);
  EXPECT_EQ(texts_of(parse("[defaults.rsync]\ninplace = true\npartial_dir = \".p\"\n" + group +
                           targets + "[groups.b]\nsource = \"/b\"\n" + targets)),
            "a.toml:2:11: in [defaults], " + both);
  EXPECT_EQ(texts_of(parse(group + own + "inplace = true } }]\nrsync.partial_dir = \".p\"\n")),
            "a.toml:3:57: in target 2 of [groups.web], " + both);
  EXPECT_EQ(texts_of(parse(group + own + "partial_dir = \".p\" } }]\nrsync.inplace = true\n")),
            "a.toml:3:61: in target 2 of [groups.web], " + both);
  EXPECT_EQ(texts_of(parse(group + "targets = [{ to = \"h:/x\", rsync.inplace = false }]\n" +
                           "rsync = { inplace = true, partial_dir = \".p\" }\n")),
            "")
      << "the group has both, but no target";
}

TEST(ConfigTargets, AreNotUpdatedInPlaceWhereNamesAreLinks) {
  const std::string why =
      "rsync.inplace = true and rsync.hard_links = true do not go together: what is written in "
      "place changes files on the target that were names of the same one before; remove one of "
      "them\n";
  const std::string group = "[groups.web]\nsource = \"/src\"\n";
  EXPECT_EQ(texts_of(parse(group + "targets = [\"h1:/x\"]\nrsync.hard_links = true\n" +
                           "rsync.inplace = true\n")),
            "a.toml:4:20: in [groups.web], " + why);
  EXPECT_NE(
      texts_of(parse(group + "targets = [\"x\"]\nrsync = { hard_links = true, inplace = true }\n"))
          .find(why),
      std::string::npos)
      << "whatever is wrong with the targets";
  EXPECT_EQ(texts_of(parse(group + "targets = [{ to = \"h:/x\", rsync.inplace = true }]\n" +
                           "rsync.hard_links = true\n")),
            "a.toml:3:43: in target 1 of [groups.web], " + why);
}

}  // namespace
}  // namespace mirrord
