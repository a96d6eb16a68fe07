#include "core/file_list.hpp"

#include <gtest/gtest.h>

#include <map>

namespace mirrord {
namespace {

using namespace std::string_literals;

using Paths = std::vector<std::string>;

/// A file system of plain values; what is not in it is missing.
class Facts {
 public:
  explicit Facts(std::map<std::string, Entry> entries) : entries_(std::move(entries)) {}

  Paths list(const Paths& paths, Depth depth = Depth::entry) {
    return split(build(paths, depth, Missing::listed).text);
  }
  /// What is listed, then what has lost an entry.
  std::pair<Paths, Paths> list_and_losers(const Paths& paths) {
    FileList list = build(paths, Depth::entry, Missing::listed);
    return {split(list.text), list.losers};
  }
  /// The same where nothing is deleted by name.
  std::pair<Paths, Paths> list_without_missing(const Paths& paths, Depth depth = Depth::entry) {
    FileList list = build(paths, depth, Missing::by_directory);
    return {split(list.text), list.losers};
  }
  int probes(const std::string& path) { return probes_[path]; }

 private:
  FileList build(const Paths& paths, Depth depth, Missing missing) {
    return build_file_list(
        paths,
        [this](const std::string& path) {
          ++probes_[path];
          auto found = entries_.find(path);
          return found == entries_.end() ? Entry::missing : found->second;
        },
        depth, missing);
  }
  static Paths split(const std::string& text) {
    EXPECT_TRUE(text.empty() || text.back() == '\0') << "each entry is terminated";
    Paths entries;
    for (size_t start = 0; start < text.size();) {
      size_t end = text.find('\0', start);
      entries.push_back(text.substr(start, end - start));
      start = end + 1;
    }
    return entries;
  }
  std::map<std::string, Entry> entries_;
  std::map<std::string, int> probes_;
};

TEST(FileList, TellsWhatStandsInIt) {
  FileList list;
  list.text = "./\0./a/b\0./c/\0"s;
  EXPECT_EQ(paths_in(list), (std::set<std::string_view>{"", "a/b", "c"}));
  EXPECT_TRUE(paths_in(FileList{}).empty());
}

Facts site() {
  return Facts({{"a", Entry::directory},
                {"a/b", Entry::directory},
                {"a/b/f", Entry::other},
                {"a/link", Entry::other},
                {"file", Entry::other},
                {"loop", Entry::left_out}});
}

TEST(FileList, NamesEachPathFromTheRootOfTheSource) {
  const struct {
    const char* name;
    Paths changed, listed;
  } cases[] = {
      {"nothing", {}, {}},
      {"a file", {"a/b/f"}, {"./a/b/f"}},
      {"a directory", {"a/b"}, {"./a/b"}},
      {"missing, its parent is there", {"a/gone"}, {"./a/gone"}},
      {"topmost missing ancestor only", {"a/gone/x/y"}, {"./a/gone"}},
      {"missing from the top", {"gone/x/y"}, {"./gone"}},
      {"many below one missing ancestor", {"gone/1", "gone/2/3", "gone"}, {"./gone"}},
      {"an ancestor that is a file", {"file/x", "file/y/z"}, {"./file"}},
      {"an ancestor that is a link kept as such", {"a/link/x"}, {"./a/link"}},
      {"each once, in order", {"file", "a/b/f", "file", "a"}, {"./a", "./a/b/f", "./file"}},
      {"the source itself", {""}, {"./.mirrord-no-such-entry"}},
  };
  for (const auto& c : cases) EXPECT_EQ(site().list(c.changed), c.listed) << c.name;
}

TEST(FileList, LeavesOutWhatIsNotMirrored) {
  EXPECT_EQ(site().list({"loop", "loop/a", "loop/a/b", "file"}), Paths{"./file"});
}

TEST(FileList, ComparesTheDirectoryOfWhatMayHaveBeenExcluded) {
  Facts facts({{"a", Entry::directory}, {"a/cache", Entry::unclear}, {"top", Entry::unclear}});
  using Lists = std::pair<Paths, Paths>;
  EXPECT_EQ(facts.list_and_losers({"a/cache", "a/gone"}), (Lists{{"./a/gone"}, {"a"}}));
  EXPECT_EQ(facts.list_and_losers({"a/cache/x/y", "top"}), (Lists{{}, {"", "a"}}));
}

TEST(FileList, NamesDirectoriesWithASlashWhenTheirEntriesCount) {
  const Paths changed = {"", "a", "a/b/f", "a/gone", "file", "loop", "gone/x"};
  EXPECT_EQ(site().list(changed, Depth::children),
            (Paths{"./", "./a/", "./a/b/f", "./a/gone", "./file", "./gone"}));
}

TEST(FileList, NamesTheWholeSourceWithItsEntriesOnlyWhenTheyAreMeant) {
  EXPECT_EQ(site().list({""}, Depth::tree), Paths{"./"});
  EXPECT_EQ(site().list({""}, Depth::children), Paths{"./"});
  EXPECT_EQ(site().list({"", "a"}, Depth::tree), (Paths{"./", "./a"}));
  EXPECT_EQ(site().list({"", "a"}, Depth::linked_tree), (Paths{"./", "./a/"}));
}

TEST(FileList, CarriesAnyName) {
  const Paths names = {"#comment",    ";comment", "-rf", " ",           "new\nline", "a*b?[c]",
                       "back\\slash", "\xff\xfe", "~",   "caf\xc3\xa9", "'\"$(x)`y`"};
  for (const std::string& name : names) EXPECT_EQ(site().list({"a/" + name}), Paths{"./a/" + name});
  EXPECT_EQ(site().list({"#x", "-y"}), (Paths{"./#x", "./-y"}));
}

TEST(FileList, TakesNoPrefixOfANameForAnAncestor) {
  Facts facts({{"a", Entry::other}, {"ab", Entry::directory}});
  EXPECT_EQ(facts.list({"ab/c"}), Paths{"./ab/c"});
}

TEST(FileList, AsksForEachAncestorOnce) {
  Facts facts = site();
  facts.list({"a/b/f", "a/b/g", "a/b/h", "gone/1", "gone/2"});
  EXPECT_EQ(facts.probes("a"), 1);
  EXPECT_EQ(facts.probes("a/b"), 1);
  EXPECT_EQ(facts.probes("gone"), 1);
}

TEST(FileList, WhereNothingIsDeletedByNameItsDirectoryIsCompared) {
  using Lists = std::pair<Paths, Paths>;
  EXPECT_EQ(site().list_without_missing({"a/b/f", "a/b/gone"}), (Lists{{"./a/b/f"}, {"a/b"}}));
  EXPECT_EQ(site().list_without_missing({"gone/x/y"}), (Lists{{}, {""}})) << "of the topmost";
  EXPECT_EQ(site().list_without_missing({"a/gone/x", "a/gone2"}), (Lists{{}, {"a"}}));
  EXPECT_EQ(site().list_without_missing({""}), (Lists{{}, {""}})) << "the root's own attributes";
  EXPECT_EQ(site().list_without_missing({""}, Depth::children), (Lists{{"./"}, {}}));
  EXPECT_EQ(site().list_without_missing({"loop/x"}), (Lists{{}, {}}));
}

}  // namespace
}  // namespace mirrord
