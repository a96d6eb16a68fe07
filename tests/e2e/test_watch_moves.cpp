// Directories that move: what is in them is followed or let go, and no watch is left behind.
#include "e2e/watch_lab.hpp"

namespace mirrord::test {
namespace {

class WatchMoves : public WatchLab {
 protected:
  /// A tree with a link in it, of some depth.
  void make_tree(const fs::path& at) {
    write_file(at / "file", "in the tree\n");
    write_file(at / "a/b/c/deep", "deep in the tree\n");
    write_file(at / "a/side/file", "beside\n");
    fs::create_directory_symlink(cgi_bins, at / "a/cgi");
  }

  void change_tree(const fs::path& at) {
    append_file(at / "a/b/c/deep", "changed after a move\n");
    write_file(at / "a/b/new/file", "made after a move\n");
    fs::remove(at / "a/side/file");
    append_file(at / "a/cgi/counter.cgi", "# changed after a move\n");
    write_file(at / "a/side/file", "made again after a move\n");
  }
};

TEST_F(WatchMoves, WithinADirectoryAndAcross) {
  make_tree(source / "tree");
  begin();
  fs::rename(source / "tree", source / "renamed");
  ASSERT_TRUE(equal("renamed"));
  change_tree(source / "renamed");
  ASSERT_TRUE(equal("changes in it"));
  fs::rename(source / "renamed", source / "news/moved");
  change_tree(source / "news/moved");
  ASSERT_TRUE(equal("moved to another directory, and changed at once"));
  fs::rename(source / "news/moved/a", images / "a");
  ASSERT_TRUE(equal("a part moved behind a link"));
  append_file(images / "a/b/c/deep", "changed\n");
  ASSERT_TRUE(equal("a change in it"));
  fs::rename(images / "a", source / "news/moved/a");
  change_tree(source / "news/moved");
  ASSERT_TRUE(equal("and back"));
  ASSERT_TRUE(none_leaked());
}

TEST_F(WatchMoves, IntoTheSourceAndOutOfIt) {
  make_tree(dir / "outside/tree");
  make_tree(source / "inside");
  begin();
  fs::rename(dir / "outside/tree", source / "news/tree");
  ASSERT_TRUE(equal("in"));
  change_tree(source / "news/tree");
  ASSERT_TRUE(equal("changes in it"));
  fs::rename(source / "inside", dir / "outside/inside");
  ASSERT_TRUE(equal("out"));
  change_tree(dir / "outside/inside");
  fs::rename(source / "news/tree", dir / "outside/tree");
  change_tree(dir / "outside/tree");
  ASSERT_TRUE(equal("the other out"));
  fs::rename(dir / "outside/tree", images / "tree");
  fs::rename(dir / "outside/inside", source / "tree");
  change_tree(images / "tree");
  change_tree(source / "tree");
  ASSERT_TRUE(equal("both in, elsewhere"));
  fs::rename(source / "tree", dir / "outside/tree");
  ASSERT_TRUE(none_leaked());
}

TEST_F(WatchMoves, OntoAnEmptyDirectory) {
  make_tree(source / "tree");
  fs::create_directory(source / "empty");
  make_tree(dir / "outside");
  begin();
  fs::rename(source / "tree", source / "empty");  // rename(2) allows it
  ASSERT_TRUE(equal("onto an empty directory"));
  change_tree(source / "empty");
  ASSERT_TRUE(equal("changes in it"));
  fs::create_directory(source / "news/empty");
  ASSERT_TRUE(equal("another empty directory"));
  fs::rename(dir / "outside", source / "news/empty");
  change_tree(source / "news/empty");
  ASSERT_TRUE(equal("onto it, from outside, and changed at once"));
  fs::create_directory(dir / "outside");
  fs::rename(source / "empty", dir / "outside");
  ASSERT_TRUE(equal("onto one outside"));
  ASSERT_TRUE(none_leaked());
}

TEST_F(WatchMoves, BetweenTwoSources) {
  const fs::path contents = source;
  const fs::path archive = dir / "archive";
  make_tree(contents / "tree");
  write_file(archive / "file", "in the archive\n");
  configure(web());
  configure(
      {.targets = {ssh_target("arc1"), ssh_target("arc2")}, .name = "archive", .source = archive});
  start();
  const auto both_equal = [&](const std::string& what) -> testing::AssertionResult {
    source = archive;
    auto result = arrives(what + ", the archive", {"arc1", "arc2"});
    source = contents;
    return result ? equal(what + ", the contents") : result;
  };
  ASSERT_TRUE(both_equal("first sync"));
  fs::rename(contents / "tree", archive / "tree");
  ASSERT_TRUE(both_equal("from one to the other"));
  change_tree(archive / "tree");
  ASSERT_TRUE(both_equal("changes in it"));
  fs::rename(archive / "tree", images / "tree");
  change_tree(images / "tree");
  ASSERT_TRUE(both_equal("and back, behind a link"));
  for (int i = 0; i < 21; ++i)
    if (i % 2 == 0)
      fs::rename(images / "tree", archive / "tree");
    else
      fs::rename(archive / "tree", images / "tree");
  change_tree(archive / "tree");
  ASSERT_TRUE(both_equal("to and fro without a pause"));
  fs::create_directory_symlink(archive, contents / "archive");
  ASSERT_TRUE(both_equal("a link from one to the other"));
  change_tree(archive / "tree");
  ASSERT_TRUE(both_equal("a change that concerns both"));
  ASSERT_TRUE(none_leaked());
  ASSERT_TRUE(both_equal("after a restart"));
}

TEST_F(WatchMoves, ChurnLeavesNoWatchBehind) {
  make_tree(source / "tree0");
  make_tree(images / "tree1");
  begin();
  const std::vector<fs::path> places{source,           source / "news", images,
                                     images / "icons", dir / "outside", source / "images"};
  fs::create_directories(dir / "outside");
  for (int i = 0; i < 300; ++i) {
    const std::string name = i % 2 == 0 ? "tree0" : "tree1";
    std::error_code ignored;
    // From wherever it is to the next place of a walk without order.
    for (const auto& from : places)
      if (fs::exists(from / name)) {
        const fs::path to = places[static_cast<size_t>(i * 7 + i / 6) % places.size()] / name;
        fs::rename(from / name, to, ignored);
        if (i % 9 == 0) write_file(to / "a/b" / std::to_string(i) / "file", "made on the way\n");
        break;
      }
  }
  ASSERT_TRUE(equal("three hundred moves"));
  ASSERT_TRUE(none_leaked());
}

}  // namespace
}  // namespace mirrord::test
