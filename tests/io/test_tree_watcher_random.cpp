// Random histories of directories, files and links. After each of them the watcher must know the
// tree as a fresh walk finds it, and must have reported every path that looks different now.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <random>

#include "core/escape.hpp"
#include "core/path.hpp"
#include "io/watched_tree.hpp"

namespace mirrord {
namespace {

using test::text_of;
namespace fs = std::filesystem;

using Branch = std::vector<std::pair<dev_t, ino_t>>;

/// The mirror as it should be, by a plain recursive walk through all links.
struct Walk {
  std::map<std::string, std::string>
      entries;  ///< logical path -> "d", or the file's inode and text
  std::vector<std::string> hidden;
  size_t directories = 0;

  explicit Walk(const fs::path& source) { enter(source, "", {}); }

 private:
  void enter(const fs::path& dir, const std::string& logical, Branch branch) {
    struct stat st {};
    if (::stat(dir.c_str(), &st) < 0) return;
    branch.emplace_back(st.st_dev, st.st_ino);
    ++directories;
    for (const auto& entry : fs::directory_iterator(dir))
      visit(entry.path(), join(logical, entry.path().filename().native()), branch);
  }
  void visit(const fs::path& path, const std::string& logical, const Branch& branch) {
    struct stat st {};
    bool link = fs::is_symlink(path);
    if (::stat(path.c_str(), &st) < 0) return hidden.push_back(logical);
    bool loop = link && std::ranges::count(branch, std::pair(st.st_dev, st.st_ino)) != 0;
    if (loop) return hidden.push_back(logical);
    entries[logical] =
        S_ISDIR(st.st_mode) ? "d" : std::to_string(st.st_ino) + test::read_file(path);
    if (S_ISDIR(st.st_mode)) enter(path, logical, branch);
  }
};

class History {
 public:
  explicit History(unsigned seed) : random_(seed) {
    for (int i = 0; i < 15; ++i) operate();
    tree_.watch();
  }

  void run_and_check() {
    tree_.forget();
    Walk before(tree_.src());
    std::string story;
    for (unsigned i = pick(4) + 1; i > 0; --i) {
      story += operate() + '\n';
      if (pick(3) == 0) tree_.settle();
      // Also in the middle of a crawl, and of the events.
      if (pick(3) == 0) tree_.loop.run_once(Duration(0));
    }
    tree_.settle();
    SCOPED_TRACE(story + "reported:\n" + text_of(tree_.changes));
    Walk after(tree_.src());
    std::ranges::sort(after.hidden);
    ASSERT_EQ(tree_.state(), TreeState::watching);
    ASSERT_EQ(tree_.watcher->directories(tree_.tree), after.directories);
    ASSERT_EQ(tree_.hidden(), after.hidden);
    expect_all_reported(before, after);
  }

  /// No watch is left over: as many as a watcher needs that has just begun.
  void expect_no_watch_left_over() {
    TreeWatcher::Listener deaf{[](TreeId, const Change&) {},
                               [](TreeId, const std::string&, bool) {},
                               [](TreeId) {},
                               [](TreeId) {},
                               [] {},
                               [](TreeId) {},
                               [](TreeId, const Trouble&) {},
                               [](TreeId) {},
                               [] {}};
    TreeWatcher fresh(tree_.loop, deaf);
    TreeId id = fresh.add({tree_.src(), Symlinks::follow, SyncOn::close, std::nullopt, {}});
    tree_.settle();
    EXPECT_EQ(tree_.watcher->watches(), fresh.watches());
    EXPECT_EQ(tree_.watcher->followed_links(tree_.tree), fresh.followed_links(id));
    tree_.watcher->remove(tree_.tree);
    EXPECT_EQ(tree_.watcher->watches(), 0u);
  }

 private:
  unsigned pick(unsigned n) { return static_cast<unsigned>(random_() % n); }

  /// A path of one to three names below src/ or ext/.
  fs::path some_path() {
    fs::path path = pick(3) == 0 ? tree_.ext() : tree_.src();
    for (unsigned depth = pick(3) + 1; depth > 0; --depth)
      path /= std::string(1, static_cast<char>('a' + pick(4)));
    return path;
  }
  static std::string names(const char* verb, const fs::path& a, const fs::path& b = "") {
    return std::string(verb) + ' ' + a.native() + ' ' + b.native();
  }

  /// One random change; one that the file system refuses is no change.
  std::string operate() {
    fs::path a = some_path(), b = some_path();
    std::error_code refused;
    switch (pick(11)) {
      case 0:
      case 1:
        fs::create_directories(a, refused);
        return names("mkdir", a);
      case 2:
      case 3: {
        std::ofstream(a, std::ios::app) << 'x';  // a directory refuses
        return names("write", a);
      }
      case 4:
      case 5:
        return make_link(a, b);
      case 6:
      case 7:
        fs::rename(a, b, refused);
        return names("rename", a, b);
      case 8:
        test::exchange(a, b);
        return names("swap", a, b);
      case 9:
        fs::remove(a, refused);
        return names("unlink", a);
      default:
        fs::remove_all(a, refused);
        return names("rm -r", a);
    }
  }
  /// Few links, or their combinations are too many to walk.
  std::string make_link(const fs::path& a, const fs::path& b) {
    if (links() >= 5) return "";
    std::error_code refused;
    fs::path destination = pick(2) == 0   ? b
                           : pick(4) == 0 ? ".."
                                          : b.lexically_relative(a.parent_path());
    fs::create_symlink(destination, a, refused);
    return names("ln -s", destination, a);
  }
  long links() {
    return std::ranges::count_if(fs::recursive_directory_iterator(tree_.path()),
                                 [](const auto& entry) { return entry.is_symlink(); });
  }

  void expect_all_reported(const Walk& before, const Walk& after) {
    std::map<std::string, std::string> all = before.entries;
    all.insert(after.entries.begin(), after.entries.end());
    for (const auto& [path, unused] : all) {
      auto was = before.entries.find(path), is = after.entries.find(path);
      bool same =
          was != before.entries.end() && is != after.entries.end() && was->second == is->second;
      EXPECT_TRUE(same || reported(path, after)) << "not reported: '" << path << "'";
    }
  }
  /// Whether an rsync of what was reported mends this path.
  bool reported(const std::string& path, const Walk& after) {
    if (tree_.covers(path)) return true;
    for (size_t slash = path.size(); slash != std::string::npos && slash > 0;
         slash = path.rfind('/', slash - 1)) {
      std::string part = path.substr(0, slash);
      auto now = after.entries.find(part);
      bool directory = now != after.entries.end() && now->second == "d";
      if (directory) continue;
      // No directory any more: naming it deletes what was below it. A hidden link is not named;
      // the comparison of its directory deletes it.
      if (std::ranges::count(after.hidden, part) == 0 && tree_.covers(part)) return true;
      size_t up = part.rfind('/');
      if (compared(up == std::string::npos ? "" : part.substr(0, up))) return true;
      struct stat st {};
      bool missing = ::stat(tree_.src(part).c_str(), &st) < 0;  // dangling links, too
      if (missing && tree_.covers(part)) return true;
    }
    return false;
  }
  bool compared(const std::string& directory) {
    return tree_.told(directory, ChangeKind::children) || tree_.told(directory, ChangeKind::tree);
  }

  std::minstd_rand random_;
  test::WatchedTree tree_;
};

TEST(WatcherRandom, KnowsTheTreeAsAFreshWalkFindsIt) {
  for (unsigned seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    History history(seed * 7919);
    for (int i = 0; i < 12; ++i) {
      history.run_and_check();
      if (testing::Test::HasFailure()) return;
    }
    history.expect_no_watch_left_over();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace mirrord
