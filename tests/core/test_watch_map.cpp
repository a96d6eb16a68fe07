#include "core/watch_map.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace mirrord {
namespace {

constexpr TreeId kTree = 1;

using Descriptors = std::vector<int>;
using Nodes = std::vector<NodeId>;
using Links = std::vector<LinkId>;
using Paths = std::vector<std::string>;

Nodes sorted(Nodes nodes) {
  std::ranges::sort(nodes);
  return nodes;
}

Link link_to(LinkEnd end, NodeId parent, const std::string& name, std::vector<Pin> pins = {}) {
  Link link;
  link.tree = kTree;
  link.parent = parent;
  link.name = name;
  link.end = end;
  link.pins = std::move(pins);
  return link;
}

TEST(WatchMap, KnowsDirectoriesByPathAndByDescriptor) {
  WatchMap map;
  NodeId root = map.add_dir(kTree, 0, "", 1);
  NodeId a = map.add_dir(kTree, root, "a", 2);
  NodeId b = map.add_dir(kTree, a, "b\n", 3);
  EXPECT_EQ(map.path(root), "");
  EXPECT_EQ(map.path(b), "a/b\n");
  EXPECT_EQ(map.child(root, "a"), a);
  EXPECT_EQ(map.child(a, "b\n"), b);
  EXPECT_EQ(map.child(root, "b\n"), 0u);
  EXPECT_EQ(map.dirs_of(3), Nodes{b});
  EXPECT_EQ(map.dirs_of(4), Nodes{});
  EXPECT_EQ(map.directories(kTree), 3u);
  EXPECT_EQ(map.directories(2), 0u);
  EXPECT_EQ(map.watches(), 3u);
}

TEST(WatchMap, KnowsNamesThatAreLongerThanMostFileSystemsAllow) {
  WatchMap map;
  NodeId root = map.add_dir(kTree, 0, "", 1);
  const std::string name(765, 'x');
  NodeId dir = map.add_dir(kTree, root, name, 2);
  NodeId below = map.add_dir(kTree, dir, "below", 3);
  EXPECT_EQ(map.path(below), name + "/below");
  EXPECT_EQ(map.child(root, name), dir);
}

TEST(WatchMap, OneDescriptorStandsForManyPaths) {
  WatchMap map;
  NodeId root = map.add_dir(kTree, 0, "", 1);
  NodeId one = map.add_dir(kTree, root, "one", 7);
  NodeId two = map.add_dir(kTree, root, "two", 7);
  NodeId other_tree = map.add_dir(2, 0, "", 7);
  EXPECT_EQ(sorted(map.touched(7, "x").dirs), (Nodes{one, two, other_tree}));
  EXPECT_EQ(map.watches(), 2u);
  map.remove_dir(one);
  EXPECT_EQ(sorted(map.dirs_of(7)), (Nodes{two, other_tree}));
  EXPECT_EQ(map.take_unused(), Descriptors{}) << "two still needs it";
  map.remove_dir(other_tree);
  map.remove_dir(two);
  EXPECT_EQ(map.take_unused(), Descriptors{7});
  EXPECT_EQ(map.take_unused(), Descriptors{}) << "told once";
}

TEST(WatchMap, RemovesADirectoryWithAllBelow) {
  WatchMap map;
  NodeId root = map.add_dir(kTree, 0, "", 1);
  NodeId a = map.add_dir(kTree, root, "a", 2);
  NodeId b = map.add_dir(kTree, a, "b", 3);
  map.add_dir(kTree, a, "c", 4);
  map.add_dir(kTree, b, "d", 5);
  map.add_link(link_to(LinkEnd::file, b, "f", {{9, "f"}}));
  NodeId kept = map.add_dir(kTree, root, "kept", 6);
  map.remove_dir(a);
  EXPECT_FALSE(map.alive(a));
  EXPECT_FALSE(map.alive(b));
  EXPECT_TRUE(map.alive(kept));
  EXPECT_EQ(map.child(root, "a"), 0u);
  EXPECT_EQ(map.directories(kTree), 2u);
  EXPECT_EQ(map.followed_links(kTree), 0u);
  EXPECT_EQ(map.take_unused(), (Descriptors{2, 3, 4, 5, 9}));
}

TEST(WatchMap, RemovesSiblingsInAnyOrder) {
  for (int first = 0; first < 3; ++first) {
    WatchMap map;
    NodeId root = map.add_dir(kTree, 0, "", 1);
    Nodes dirs;
    for (int i = 0; i < 3; ++i) dirs.push_back(map.add_dir(kTree, root, std::to_string(i), 10 + i));
    map.remove_dir(dirs[first]);
    for (int i = 0; i < 3; ++i)
      EXPECT_EQ(map.child(root, std::to_string(i)), i == first ? 0 : dirs[i]) << first;
    map.remove_dir(root);
    EXPECT_EQ(map.take_unused(), (Descriptors{1, 10, 11, 12}));
  }
}

TEST(WatchMap, RemovesVeryDeepTreesWithoutRecursion) {
  WatchMap map;
  NodeId root = map.add_dir(kTree, 0, "", 0);
  NodeId deepest = root;
  for (int level = 1; level <= 100'000; ++level) deepest = map.add_dir(kTree, deepest, "d", level);
  EXPECT_EQ(map.branch(deepest).size(), 100'001u);
  map.remove_dir(map.child(root, "d"));
  EXPECT_EQ(map.directories(kTree), 1u);
  EXPECT_EQ(map.take_unused().size(), 100'000u);
}

TEST(WatchMap, GivesADescriptorBackOnlyWithoutUsers) {
  WatchMap map;
  NodeId root = map.add_dir(kTree, 0, "", 1);
  map.remove_dir(map.add_dir(kTree, root, "a", 2));
  map.add_dir(kTree, root, "b", 2);  // found a new user before it was given back
  EXPECT_EQ(map.take_unused(), Descriptors{});
  map.remove_dir(map.child(root, "b"));
  map.remove_dir(map.add_dir(kTree, root, "c", 2));
  EXPECT_EQ(map.take_unused(), Descriptors{2}) << "once, though released twice";
}

TEST(WatchMap, PinsKeepADescriptorInUse) {
  WatchMap map;
  NodeId root = map.add_dir(kTree, 0, "", 1);
  LinkId one = map.add_link(link_to(LinkEnd::file, root, "one", {{5, "f"}, {6, "g"}}));
  LinkId two = map.add_link(link_to(LinkEnd::file, root, "two", {{5, "f"}, {5, "f"}}));
  EXPECT_TRUE(map.uses(5));
  EXPECT_EQ(map.touched(5, "f").links, (Links{one, two}));
  EXPECT_EQ(map.touched(5, "other").links, Links{});
  EXPECT_EQ(map.touched(6, "g").links, Links{one});
  map.remove_link(one);
  EXPECT_EQ(map.take_unused(), Descriptors{6});
  EXPECT_EQ(map.touched(5, "f").links, Links{two});
  map.remove_link(two);
  EXPECT_EQ(map.take_unused(), Descriptors{5}) << "the same step twice counts once";
  EXPECT_FALSE(map.has_link(two));
}

TEST(WatchMap, FindsLinksByNameAndByTheirSteps) {
  WatchMap map;
  NodeId root = map.add_dir(kTree, 0, "", 1);
  LinkId link = map.add_link(link_to(LinkEnd::file, root, "l", {{5, "a"}, {5, "b"}, {6, "c"}}));
  LinkId other = map.add_link(link_to(LinkEnd::dangling, root, "m", {{5, "z"}, {55, ""}}));
  EXPECT_EQ(map.link_at(root, "l"), link);
  EXPECT_EQ(map.link_at(root, "x"), 0u);
  EXPECT_EQ(map.links_through(5), (Links{link, other}));
  EXPECT_EQ(map.links_through(6), Links{link});
  EXPECT_EQ(map.links_through(1), Links{});
  EXPECT_EQ(map.path(map.link(link)), "l");
}

TEST(WatchMap, ALinkAndItsDirectoryGoTogether) {
  for (bool by_link : {true, false}) {
    WatchMap map;
    NodeId root = map.add_dir(kTree, 0, "", 1);
    LinkId link = map.add_link(link_to(LinkEnd::directory, root, "l", {{5, "real"}}));
    NodeId dir = map.add_dir(kTree, root, "l", 2, link);
    NodeId below = map.add_dir(kTree, dir, "sub", 3);
    EXPECT_EQ(map.via(dir), link);
    EXPECT_EQ(map.via(below), 0u);
    EXPECT_EQ(map.link(link).dir, dir);
    EXPECT_EQ(map.followed_links(kTree), 1u);
    if (by_link)
      map.remove_link(link);
    else
      map.remove_dir(dir);
    EXPECT_FALSE(map.alive(dir));
    EXPECT_FALSE(map.alive(below));
    EXPECT_FALSE(map.has_link(link));
    EXPECT_EQ(map.followed_links(kTree), 0u);
    EXPECT_EQ(map.take_unused(), (Descriptors{2, 3, 5}));
  }
}

TEST(WatchMap, TheLinkOfTheSourceIsNeitherFollowedNorLeftOut) {
  WatchMap map;
  LinkId missing = map.add_link(link_to(LinkEnd::dangling, 0, "", {{5, "src"}}));
  EXPECT_EQ(map.followed_links(kTree), 0u);
  EXPECT_EQ(map.hidden(kTree), Paths{});
  map.remove_link(missing);
  EXPECT_EQ(map.take_unused(), Descriptors{5});
  LinkId link = map.add_link(link_to(LinkEnd::directory, 0, "", {{5, "src"}}));
  NodeId root = map.add_dir(kTree, 0, "", 1, link);
  EXPECT_EQ(map.followed_links(kTree), 0u);
  map.remove_link(link);
  EXPECT_FALSE(map.alive(root));
  EXPECT_EQ(map.watches(), 0u);
}

TEST(WatchMap, ListsWhatIsLeftOut) {
  WatchMap map;
  NodeId root = map.add_dir(kTree, 0, "", 1);
  NodeId a = map.add_dir(kTree, root, "a", 2);
  const std::pair<LinkEnd, const char*> links[] = {
      {LinkEnd::loop, "z"},        {LinkEnd::file, "file"},   {LinkEnd::dangling, "gone"},
      {LinkEnd::directory, "dir"}, {LinkEnd::outside, "far"}, {LinkEnd::unreadable, "secret"}};
  for (const auto& [end, name] : links) map.add_link(link_to(end, a, name));
  EXPECT_EQ(map.hidden(kTree), (Paths{"a/far", "a/gone", "a/z"}));
  EXPECT_EQ(map.hidden(2), Paths{});
  EXPECT_EQ(map.unreadable(kTree), Paths{"a/secret"});
  EXPECT_EQ(map.followed_links(kTree), 2u);
  map.remove_link(map.link_at(a, "z"));
  EXPECT_EQ(map.hidden(kTree), (Paths{"a/far", "a/gone"}));
  map.remove_dir(a);
  EXPECT_EQ(map.hidden(kTree), Paths{});
  EXPECT_EQ(map.unreadable(kTree), Paths{});
}

TEST(WatchMap, ListsDirectoriesThatCannotBeRead) {
  WatchMap map;
  NodeId root = map.add_dir(kTree, 0, "", 1);
  NodeId a = map.add_dir(kTree, root, "a", 2);
  NodeId b = map.add_dir(kTree, a, "b", 3);
  map.set_unreadable(b, true);
  map.set_unreadable(a, true);
  map.add_link(link_to(LinkEnd::unreadable, root, "Z"));
  EXPECT_TRUE(map.is_unreadable(b));
  EXPECT_EQ(map.unreadable(kTree), (Paths{"Z", "a", "a/b"}));
  map.set_unreadable(a, false);
  EXPECT_EQ(map.unreadable(kTree), (Paths{"Z", "a/b"}));
  map.remove_dir(a);
  EXPECT_EQ(map.unreadable(kTree), Paths{"Z"});
}

TEST(WatchMap, FindsWhereAPathEnds) {
  WatchMap map;
  NodeId root = map.add_dir(kTree, 0, "", 1);
  NodeId a = map.add_dir(kTree, root, "a", 2);
  LinkId file = map.add_link(link_to(LinkEnd::file, a, "f"));
  LinkId link = map.add_link(link_to(LinkEnd::directory, a, "l"));
  NodeId dir = map.add_dir(kTree, a, "l", 3, link);
  const struct {
    const char* path;
    NodeId dir;
    LinkId link;
  } cases[] = {
      {"", root, 0}, {"a", a, 0},     {"a/f", 0, file}, {"a/l", dir, link},
      {"b", 0, 0},   {"a/f/x", 0, 0}, {"a/l/x", 0, 0},  {"a/x/y", 0, 0},
  };
  for (const auto& c : cases) {
    WatchMap::Place place = map.find(root, c.path);
    EXPECT_EQ(place.dir, c.dir) << c.path;
    EXPECT_EQ(place.link, c.link) << c.path;
  }
}

TEST(WatchMap, ABranchIsADirectoryWithAllAboveIt) {
  WatchMap map;
  NodeId root = map.add_dir(kTree, 0, "", 1);
  NodeId unwatched = map.add_dir(kTree, root, "a", -1);
  NodeId b = map.add_dir(kTree, unwatched, "b", 3);
  NodeId beside = map.add_dir(kTree, root, "beside", 4);
  EXPECT_EQ(map.branch(b), (Descriptors{3, 1}));
  EXPECT_EQ(map.branch(beside), (Descriptors{4, 1}));
  EXPECT_EQ(map.branch(0), Descriptors());
}

TEST(WatchMap, CountsTheUnwatched) {
  WatchMap map;
  NodeId root = map.add_dir(kTree, 0, "", 1);
  NodeId a = map.add_dir(kTree, root, "a", -1);
  NodeId b = map.add_dir(kTree, root, "b", -1);
  EXPECT_EQ(map.unwatched(kTree), 0u) << "not tried yet";
  EXPECT_FALSE(map.watched(a));
  map.set_unwatched(a);
  map.set_unwatched(a);
  map.set_unwatched(b);
  EXPECT_EQ(map.unwatched(kTree), 2u);
  map.set_watch(a, 2);
  EXPECT_TRUE(map.watched(a));
  EXPECT_EQ(map.dirs_of(2), Nodes{a});
  EXPECT_EQ(map.unwatched(kTree), 1u);
  map.remove_dir(b);
  EXPECT_EQ(map.unwatched(kTree), 0u);
}

TEST(WatchMap, AForgottenWatchLeavesItsDirectories) {
  WatchMap map;
  NodeId root = map.add_dir(kTree, 0, "", 1);
  NodeId one = map.add_dir(kTree, root, "one", 2);
  NodeId two = map.add_dir(kTree, root, "two", 2);
  LinkId link = map.add_link(link_to(LinkEnd::file, root, "l", {{2, "f"}}));
  map.forget_watch(2);
  map.forget_watch(77);
  EXPECT_TRUE(map.alive(one));
  EXPECT_FALSE(map.watched(one));
  EXPECT_FALSE(map.watched(two));
  EXPECT_FALSE(map.uses(2));
  EXPECT_EQ(map.dirs_of(2), Nodes{});
  map.remove_link(link);
  map.remove_dir(two);
  map.set_watch(one, 3);
  EXPECT_EQ(map.dirs_of(3), Nodes{one});
  EXPECT_EQ(map.take_unused(), Descriptors{}) << "the kernel has ended it already";
}

TEST(WatchMap, UsesAFreedSlotAfresh) {
  WatchMap map;
  NodeId root = map.add_dir(kTree, 0, "", 1);
  LinkId link = map.add_link(link_to(LinkEnd::directory, root, "l"));
  NodeId old = map.add_dir(kTree, root, "l", -1, link);
  map.set_unwatched(old);
  map.remove_dir(old);
  NodeId fresh = map.add_dir(2, 0, "", 5);
  EXPECT_EQ(map.via(fresh), 0u);
  EXPECT_EQ(map.parent(fresh), 0u);
  EXPECT_EQ(map.unwatched(2), 0u);
  EXPECT_EQ(map.tree_of(fresh), 2u);
}

}  // namespace
}  // namespace mirrord
