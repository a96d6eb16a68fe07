// core/filter against the installed rsync: random rules on random trees, and both must come to the
// same verdict about every entry. A failure is repeated by its seed.
#include "core/filter.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <random>

#include "core/escape.hpp"
#include "support/child.hpp"
#include "support/files.hpp"

namespace mirrord {
namespace {

namespace fs = std::filesystem;
using test::TempDir;

/// Path below the root, and whether it is a directory.
using Entries = std::map<std::string, bool>;

const std::vector<std::string> kNames = {
    "a",    "b",        "c",         "ab",  "aa",  "a.o", "b.o", "x.tmp", "A",    "1",
    "a1",   "-",        "]",         "[",   "*",   "**",  "?",   "\\",    "a\\b", "[a]",
    "a b",  " a",       "a ",        "# a", "!",   "+ a", "_a",  ":a",    "^",    "a-c",
    "\xff", "\xc3\xa4", "new\nline", "..a", "***", "a*",  "\\*"};

const std::vector<std::string> kPieces = {"a",
                                          "a",
                                          "b",
                                          "c",
                                          ".o",
                                          "1",
                                          "*",
                                          "*",
                                          "*",
                                          "**",
                                          "**",
                                          "***",
                                          "?",
                                          "?",
                                          "/",
                                          "/",
                                          "/",
                                          "[ab]",
                                          "[!a]",
                                          "[^b/]",
                                          "[a-c]",
                                          "[]a]",
                                          "[!]]",
                                          "[*]",
                                          "[\\]]",
                                          "[a\\-c]",
                                          "[a-\\c]",
                                          "[[:alpha:]]",
                                          "[[:digit:][:punct:]]",
                                          "[[:no:]]",
                                          "[[:x]",
                                          "[:]",
                                          "[a-]",
                                          "[--9]",
                                          "[",
                                          "]",
                                          "\\",
                                          "\\*",
                                          "\\a",
                                          "\\\\",
                                          " ",
                                          "_",
                                          "-",
                                          "!",
                                          "\xff",
                                          "[\x80-\xff]",
                                          "\n",
                                          "//",
                                          "/**/",
                                          "/*/",
                                          "a/b",
                                          "*.o",
                                          "[[:space:]]",
                                          "[[:upper:]]",
                                          "[^[:alnum:]]",
                                          "[b-a]"};

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}

  size_t below(size_t limit) { return engine_() % limit; }
  bool one_in(size_t n) { return below(n) == 0; }
  const std::string& any(const std::vector<std::string>& of) { return of[below(of.size())]; }

  Entries tree(size_t size) {
    Entries entries;
    std::vector<std::string> directories = {""};
    while (entries.size() < size) {
      const std::string name = any(kNames);
      const std::string path = any(directories) + name;
      const bool is_directory = one_in(3);
      if (entries.try_emplace(path, is_directory).second && is_directory)
        directories.push_back(path + '/');
    }
    return entries;
  }

  FilterRule rule() {
    FilterRule rule{one_in(3) ? FilterRule::Effect::include : FilterRule::Effect::exclude,
                    one_in(12), one_in(4) ? "/" : ""};
    for (size_t pieces = 1 + below(4); pieces > 0; --pieces)
      rule.pattern += one_in(4) ? any(kNames) : any(kPieces);
    if (one_in(5)) rule.pattern += '/';
    if (one_in(8)) rule.pattern += "/***";
    return rule;
  }

  std::vector<FilterRule> rules() {
    std::vector<FilterRule> rules;
    for (size_t count = 1 + below(5); count > 0; --count) rules.push_back(rule());
    return rules;
  }

 private:
  std::mt19937 engine_;
};

void write(const fs::path& root, const Entries& entries) {
  fs::create_directory(root);
  for (const auto& [path, is_directory] : entries)
    if (is_directory) fs::create_directory(root / path);
  for (const auto& [path, is_directory] : entries)
    if (!is_directory) test::write_file(root / path, "");
}

Entries read(const fs::path& root) {
  Entries entries;
  for (const auto& entry : fs::recursive_directory_iterator(root))
    entries[entry.path().lexically_relative(root)] = entry.is_directory();
  return entries;
}

void rsync(test::Arguments arguments, const std::vector<FilterRule>& rules, const fs::path& from,
           const fs::path& to) {
  arguments.insert(arguments.begin(), "rsync");
  for (const FilterRule& rule : rules) arguments.push_back("--filter=" + text_of(rule));
  arguments.push_back(from.native() + '/');
  arguments.push_back(to.native() + '/');
  test::run_ok(arguments);
}

std::string shown(const std::vector<FilterRule>& rules) {
  std::string text;
  for (const FilterRule& rule : rules) text += "\n  " + escape(text_of(rule));
  return text;
}

/// Compares the verdicts; returns how many there were.
size_t expect_same(const Filter& filter, const Entries& all, const Entries& kept_by_rsync) {
  for (const auto& [path, is_directory] : all)
    EXPECT_EQ(!filter.excluded_by(path, is_directory), kept_by_rsync.contains(path))
        << escape(path) << (is_directory ? "/" : "");
  return all.size();
}

TEST(FilterRandom, SendsWhatRsyncSends) {
  constexpr unsigned kTrees = 12, kRuleLists = 10;
  size_t verdicts = 0, excluded = 0;
  for (unsigned seed = 1; seed <= kTrees && !testing::Test::HasFailure(); ++seed) {
    Random random(seed);
    const TempDir dir;
    const Entries all = random.tree(80);
    write(dir / "src", all);
    for (unsigned list = 0; list < kRuleLists; ++list) {
      const auto rules = random.rules();
      SCOPED_TRACE("seed " + std::to_string(seed) + shown(rules));
      rsync({"-r"}, rules, dir / "src", dir / "dst");
      const Entries sent = read(dir / "dst");
      verdicts += expect_same(Filter(rules), all, sent);
      excluded += all.size() - sent.size();
      fs::remove_all(dir / "dst");
    }
  }
  std::cout << "seeds 1 to " << kTrees << ": " << verdicts << " verdicts, " << excluded
            << " of them excluded\n";
  EXPECT_GT(excluded, verdicts / 10) << "the rules are no test";
  EXPECT_LT(excluded, verdicts / 10 * 9);
}

TEST(FilterRandom, ProtectsFromDeletionWhatRsyncProtects) {
  constexpr unsigned kSeeds = 20;
  for (unsigned seed = 1; seed <= kSeeds && !testing::Test::HasFailure(); ++seed) {
    Random random(1000 + seed);
    const TempDir dir;
    const Entries all = random.tree(80);
    write(dir / "dst", all);
    fs::create_directory(dir / "src");
    const auto rules = random.rules();
    SCOPED_TRACE("seed " + std::to_string(seed) + shown(rules));
    rsync({"-r", "--delete"}, rules, dir / "src", dir / "dst");
    const Entries left = read(dir / "dst");
    const Filter filter(rules);
    // A directory that is not excluded stays when something in it does.
    for (const auto& [path, is_directory] : all) {
      if (is_directory) continue;
      EXPECT_EQ(filter.excluded_by(path, false) != nullptr, left.contains(path)) << escape(path);
    }
  }
}

}  // namespace
}  // namespace mirrord
