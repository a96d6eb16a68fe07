// WatchMap against the plainest possible model of the same facts, with random operations.
#include "core/path.hpp"
#include "core/watch_map.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace mirrord {
namespace {

constexpr TreeId kTree = 1;

struct ModelLink {
  LinkId id = 0;
  LinkEnd end = LinkEnd::file;
  std::set<Pin> pins;
};

/// Directories and links by logical path; every question is answered by looking at all of them.
struct Model {
  std::map<std::string, int> dirs;  // path -> wd
  std::map<std::string, ModelLink> links;
  std::set<int> forgotten;  // descriptors that the kernel has ended: pins to them are void

  static bool is_below(const std::string& path, const std::string& dir) {
    return dir.empty() || path == dir || path.starts_with(dir + '/');
  }
  void remove_below(const std::string& dir) {
    std::erase_if(dirs, [&](const auto& d) { return is_below(d.first, dir); });
    std::erase_if(links, [&](const auto& l) { return is_below(l.first, dir); });
  }
  std::set<int> used() const {
    std::set<int> used;
    for (const auto& [path, wd] : dirs)
      if (wd >= 0) used.insert(wd);
    for (const auto& [path, link] : links)
      for (const Pin& pin : link.pins)
        if (!forgotten.contains(pin.wd)) used.insert(pin.wd);
    return used;
  }
  std::vector<std::string> paths_of(int wd) const {
    std::vector<std::string> paths;
    for (const auto& [path, dir_wd] : dirs)
      if (dir_wd == wd) paths.push_back(path);
    return paths;
  }
  std::vector<std::string> hidden() const {
    std::vector<std::string> paths;
    for (const auto& [path, link] : links)
      if (link.end != LinkEnd::file && link.end != LinkEnd::directory) paths.push_back(path);
    return paths;
  }
  size_t followed() const { return links.size() - hidden().size(); }
};

class Pair {
 public:
  explicit Pair(unsigned seed) : random_(seed) {
    nodes_[""] = map_.add_dir(kTree, 0, "", fresh_wd());
    model_.dirs[""] = last_wd_;
  }

  void step() {
    switch (pick(12)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return add_dir();
      case 4:
      case 5:
        return add_file_link();
      case 6:
      case 7:
        return add_dir_link();
      case 8:
      case 9:
        return remove_dir();
      case 10:
        return remove_link();
      default:
        return pick(4) == 0 ? forget_watch() : take_unused();
    }
  }

  void expect_same() {
    ASSERT_EQ(map_.directories(kTree), model_.dirs.size());
    ASSERT_EQ(map_.watches(), model_.used().size());
    ASSERT_EQ(map_.hidden(kTree), model_.hidden());
    ASSERT_EQ(map_.followed_links(kTree), model_.followed());
    for (int wd = 1; wd <= last_wd_; ++wd) ASSERT_EQ(paths_of(wd), model_.paths_of(wd)) << wd;
    for (const auto& [path, link] : model_.links)
      for (const Pin& pin : link.pins)
        ASSERT_TRUE(std::ranges::count(map_.touched(pin.wd, pin.name).links, link.id)) << path;
  }

  void expect_empty_after_removal() {
    take_unused();
    std::set<int> used = model_.used();
    map_.remove_dir(nodes_.at(""));
    ASSERT_EQ(map_.take_unused(), std::vector<int>(used.begin(), used.end()));
    ASSERT_EQ(map_.watches(), 0u);
    ASSERT_EQ(map_.directories(kTree), 0u);
    ASSERT_TRUE(map_.hidden(kTree).empty());
  }

 private:
  unsigned pick(size_t n) { return static_cast<unsigned>(random_() % n); }
  int fresh_wd() { return ++last_wd_; }
  int some_wd() {
    // Often a descriptor in use, for aliases; never one that the kernel has ended.
    std::set<int> used = model_.used();
    if (used.empty() || pick(2) == 0) return fresh_wd();
    return *std::next(used.begin(), pick(used.size()));
  }
  std::string some_dir() { return std::next(model_.dirs.begin(), pick(model_.dirs.size()))->first; }

  /// A path that is neither a directory nor a link yet, "" when the dice say otherwise.
  std::string free_path() {
    std::string path = join(some_dir(), std::string(1, static_cast<char>('a' + pick(6))));
    return model_.dirs.contains(path) || model_.links.contains(path) ? "" : path;
  }
  static std::string parent_of(const std::string& path) {
    size_t slash = path.rfind('/');
    return slash == std::string::npos ? "" : path.substr(0, slash);
  }
  static std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

  void insert_dir(const std::string& path, LinkId via) {
    int wd = some_wd();
    NodeId parent = nodes_.at(parent_of(path));
    if (pick(3) == 0) {
      nodes_[path] = map_.add_dir(kTree, parent, name_of(path), -1, via);
      map_.set_watch(nodes_[path], wd);
    } else {
      nodes_[path] = map_.add_dir(kTree, parent, name_of(path), wd, via);
    }
    model_.dirs[path] = wd;
  }
  LinkId insert_link(const std::string& path, LinkEnd end) {
    Link link;
    link.tree = kTree;
    link.parent = nodes_.at(parent_of(path));
    link.name = name_of(path);
    link.end = end;
    for (unsigned i = pick(4); i > 0; --i)
      link.pins.push_back({some_wd(), std::string(1, static_cast<char>('p' + pick(2)))});
    ModelLink& known = model_.links[path];
    known.end = end;
    known.pins = {link.pins.begin(), link.pins.end()};
    return known.id = map_.add_link(std::move(link));
  }

  void add_dir() {
    if (std::string path = free_path(); !path.empty()) insert_dir(path, 0);
  }
  void add_file_link() {
    constexpr LinkEnd kEnds[] = {LinkEnd::file, LinkEnd::dangling, LinkEnd::loop, LinkEnd::outside};
    if (std::string path = free_path(); !path.empty()) insert_link(path, kEnds[pick(4)]);
  }
  void add_dir_link() {
    std::string path = free_path();
    if (path.empty()) return;
    LinkId link = insert_link(path, LinkEnd::directory);
    insert_dir(path, link);
  }
  void remove_dir() {
    std::string path = some_dir();
    if (path.empty()) return;
    map_.remove_dir(nodes_.at(path));
    model_.remove_below(path);
  }
  void remove_link() {
    if (model_.links.empty()) return;
    auto link = std::next(model_.links.begin(), pick(model_.links.size()));
    map_.remove_link(link->second.id);
    model_.remove_below(std::string(link->first));
  }
  void forget_watch() {
    std::set<int> used = model_.used();
    if (used.empty()) return;
    int wd = *std::next(used.begin(), pick(used.size()));
    map_.forget_watch(wd);
    model_.forgotten.insert(wd);
    for (auto& [path, dir_wd] : model_.dirs)
      if (dir_wd == wd) dir_wd = -1;
  }
  void take_unused() {
    std::set<int> used = model_.used();
    for (int wd : map_.take_unused()) {
      EXPECT_FALSE(used.contains(wd)) << wd;
      EXPECT_TRUE(told_.insert(wd).second) << wd << " told twice";
    }
    // A descriptor that the kernel took back does not come again.
  }

  std::vector<std::string> paths_of(int wd) const {
    std::vector<std::string> paths;
    for (NodeId dir : map_.dirs_of(wd)) paths.push_back(map_.path(dir));
    std::ranges::sort(paths);
    return paths;
  }

  std::minstd_rand random_;
  WatchMap map_;
  Model model_;
  std::map<std::string, NodeId> nodes_;
  std::set<int> told_;
  int last_wd_ = 0;
};

TEST(WatchMapRandom, AgreesWithTheNaiveModel) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Pair pair(seed * 7919);
    for (int i = 0; i < 60; ++i) {
      pair.step();
      pair.expect_same();
      if (testing::Test::HasFailure()) return;
    }
    pair.expect_empty_after_removal();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace mirrord
