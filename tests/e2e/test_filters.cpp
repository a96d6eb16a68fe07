// exclude, exclude_from, filter and delete_excluded: the same tree whether it was built before the
// daemon started or while it ran. The judge is an rsync of its own with the same rules.
#include <random>

#include "e2e/lab.hpp"

namespace mirrord::test {
namespace {

class Filters : public Lab {
 protected:
  /// A group of plain files, without the links of the story.
  void begin(const std::string& settings) {
    fs::create_directories(source);
    configure({.targets = {local_target("copy")}, .settings = settings});
    start();
  }

  std::string drift(const Arguments& rules, const std::string& target = "copy") const {
    return rsync_drift(source, copy(target), Links::follow, rules);
  }

  /// Whether the copy comes to be what the judge wants.
  testing::AssertionResult agrees(const Arguments& rules, const std::string& target = "copy") {
    const bool equal = wait_until([&] { return drift(rules, target).empty(); });
    if (equal) return testing::AssertionSuccess();
    return testing::AssertionFailure() << drift(rules, target) << daemon->log();
  }

  bool has(const fs::path& path, const std::string& target = "copy") const {
    return fs::exists(fs::symlink_status(copy(target) / path));
  }

  void write_all(const std::vector<std::string>& paths) const {
    for (const std::string& path : paths) write_file(source / path, path);
  }

  void expect(const std::vector<std::string>& present, const std::vector<std::string>& absent) {
    for (const std::string& path : present) EXPECT_TRUE(has(path)) << path;
    for (const std::string& path : absent) EXPECT_FALSE(has(path)) << path;
  }
};

// lsyncd's own tests of its excludes and filters, research/lsyncd.md section 3.2.
TEST_F(Filters, ExcludesMeanTheSameLiveAndAtStart) {
  const std::vector<std::string> all = {"erf",   "eaf",   "erd",   "ead",
                                        "d/erf", "d/eaf", "d/erd", "d/ead"};
  const Arguments rules = {"--exclude=erf", "--exclude=/eaf", "--exclude=erd/", "--exclude=/ead/"};
  fs::create_directories(source);
  write_all(all);
  begin("exclude = ['erf', '/eaf', 'erd/', '/ead/']\n");
  for (const char* when : {"at start", "written again"}) {
    ASSERT_TRUE(agrees(rules)) << when;
    expect({"erd", "ead", "d/eaf", "d/erd", "d/ead"}, {"erf", "eaf", "d/erf"});
    for (const auto& entry : fs::directory_iterator(source)) fs::remove_all(entry);
    ASSERT_TRUE(agrees(rules)) << "everything deleted";
    EXPECT_TRUE(fs::is_empty(copy("copy")));
    write_all(all);
  }
}

TEST_F(Filters, TheFirstRuleThatMatchesDecides) {
  const std::vector<std::string> all = {"abc", "acc", "baa", "abx/a", "acx/x"};
  const Arguments rules = {"--filter=- /ab**", "--filter=+ /a**", "--filter=- /**"};
  fs::create_directories(source);
  write_all(all);
  begin("filter = ['- /ab**', '+ /a**', '- /**']\n");
  ASSERT_TRUE(agrees(rules));
  expect({"acc", "acx/x"}, {"abc", "baa", "abx"});
  write_all({"abd", "acd", "bab", "aby/a", "acy/new/x"});
  ASSERT_TRUE(agrees(rules));
  expect({"acd", "acy/new/x"}, {"abd", "bab", "aby"});
  fs::last_write_time(source, fs::file_time_type::clock::now() - std::chrono::hours(24));
  EXPECT_TRUE(agrees(rules)) << "no rule is about the source itself";
}

TEST_F(Filters, PatternsMayStandInAFile) {
  write_file(dir / "patterns", "# no\n*.tmp\n+ /kept.bak\n*.bak\n");
  begin("exclude_from = '" + (dir / "patterns").native() + "'\n");
  write_all({"a", "a.tmp", "a.bak", "kept.bak", "d/kept.bak"});
  ASSERT_TRUE(agrees({"--exclude-from=" + (dir / "patterns").native()}));
  expect({"a", "kept.bak"}, {"a.tmp", "a.bak", "d/kept.bak"});
}

TEST_F(Filters, GroupsOnOneSourceKeepTheirOwnRules) {
  fs::create_directories(source / "cache");
  configure({.targets = {local_target("all")}, .name = "all"});
  configure(
      {.targets = {local_target("some")}, .settings = "exclude = ['cache/']\n", .name = "some"});
  start();
  write_all({"f", "cache/f", "new/cache/f", "new/f"});
  ASSERT_TRUE(agrees({}, "all"));
  ASSERT_TRUE(agrees({"--exclude=cache/"}, "some"));
  EXPECT_TRUE(has("new/cache/f", "all"));
  EXPECT_FALSE(has("cache", "some"));
  EXPECT_FALSE(has("new/cache", "some"));
}

TEST_F(Filters, ARenameAcrossTheRulesCreatesOrDeletes) {
  begin("exclude = ['*.tmp', 'cache/']\n");
  write_all({"upload.tmp", "cache/f", "d/f"});
  fs::rename(source / "upload.tmp", source / "upload");
  fs::rename(source / "cache", source / "shown");
  ASSERT_TRUE(agrees({"--exclude=*.tmp", "--exclude=cache/"}));
  expect({"upload", "shown/f", "d/f"}, {"upload.tmp", "cache"});
  fs::rename(source / "upload", source / "d/upload.tmp");
  fs::rename(source / "shown", source / "d/cache");
  ASSERT_TRUE(agrees({"--exclude=*.tmp", "--exclude=cache/"}));
  expect({"d/f"}, {"upload", "shown", "d/upload.tmp", "d/cache"});
}

TEST_F(Filters, WhatIsExcludedIsNotDeleted) {
  write_file(copy("copy") / "cache/own", "the target's");
  write_file(copy("copy") / "d/own.tmp", "the target's");
  begin("exclude = ['*.tmp', 'cache/']\n");
  write_all({"cache/f", "d/f", "d/own.tmp", "e/cache"});
  ASSERT_TRUE(wait_until([&] { return has("d/f") && has("e/cache"); }));
  fs::remove_all(source / "cache");
  fs::remove_all(source / "d");
  fs::remove_all(source / "e/cache");  // a file, which the rule for directories does not mean
  ASSERT_TRUE(wait_until([&] { return !has("d/f") && !has("e/cache"); })) << daemon->log();
  write_all({"marker"});
  ASSERT_TRUE(wait_until([&] { return has("marker"); }));
  EXPECT_EQ(read_file(copy("copy") / "cache/own"), "the target's");
  EXPECT_EQ(read_file(copy("copy") / "d/own.tmp"), "the target's");
}

TEST_F(Filters, AnExcludedKindInPlaceOfAMirroredOneDeletesTheCopy) {
  begin("exclude = ['cache/']\n");
  write_all({"cache", "f"});
  ASSERT_TRUE(wait_until([&] { return has("cache") && has("f"); }));
  fs::remove(source / "cache");
  write_all({"cache/f"});
  ASSERT_TRUE(wait_until([&] { return !has("cache"); })) << daemon->log();
}

TEST_F(Filters, ALinkThatComesToLeadToADirectoryIsOne) {
  fs::create_directories(source);
  for (const char* first : {"missing", "file"}) fs::create_symlink(dir / first, source / first);
  write_file(dir / "file", "1");
  begin("symlinks = 'follow-external'\nfilter = ['+ */', '+ *.h', '- *']\n");
  write_all({"k.h"});
  ASSERT_TRUE(wait_until([&] { return has("k.h"); })) << daemon->log();
  fs::remove(dir / "file");
  for (const char* now : {"missing", "file"}) {
    write_file(dir / now / "f.h", "1");
    EXPECT_TRUE(wait_until([&] { return has(fs::path(now) / "f.h"); })) << now << daemon->log();
  }
}

TEST_F(Filters, DeleteExcludedDeletesItInAFullSync) {
  write_file(copy("copy") / "own.tmp", "the target's");
  fs::create_directories(source);
  write_all({"a", "b", "c", "d"});  // else it were more than max_delete
  begin("exclude = ['*.tmp']\ndelete_excluded = true\n");
  write_all({"f", "f.tmp"});
  ASSERT_TRUE(wait_until([&] { return has("f") && !has("own.tmp"); })) << daemon->log();
  EXPECT_FALSE(has("f.tmp"));
}

TEST_F(Filters, AReloadWithOtherRulesBringsWhatTheyInclude) {
  begin("exclude = ['*.tmp', 'cache/']\n");
  write_all({"f", "f.tmp", "cache/f"});
  ASSERT_TRUE(wait_until([&] { return has("f"); }));
  configure({.targets = {local_target("copy")}, .settings = "exclude = ['cache/']\n"});
  daemon->signal(SIGHUP);
  ASSERT_TRUE(agrees({"--exclude=cache/"}));
  expect({"f", "f.tmp"}, {"cache"});
}

TEST_F(Filters, RandomChangesUnderRulesConverge) {
  const std::vector<std::string> names = {"a", "b.o", "b.c", "x.tmp", "cache", "keep", "[1]", "z"};
  const Arguments rules = {"--filter=+ keep/", "--filter=- /a/*.o", "--filter=- cache/",
                           "--filter=- [x-z]*", "--filter=-! **"};
  begin("filter = ['+ keep/', '- /a/*.o', '- cache/', '- [x-z]*', '-! **']\n");
  const unsigned seed = std::random_device()();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto any_path = [&] {
    fs::path path = source;
    for (size_t depth = 1 + random() % 3; depth > 0; --depth)
      path /= names[random() % names.size()];
    return path;
  };
  std::error_code ignored;
  for (int i = 0; i < 400; ++i) {
    const fs::path path = any_path();
    switch (random() % 5) {
      case 0:
        fs::create_directories(path, ignored);
        break;
      case 1:
        fs::remove_all(path, ignored);
        break;
      case 2:
        fs::rename(path, any_path(), ignored);
        break;
      default:
        if (fs::is_directory(path.parent_path(), ignored) && !fs::is_directory(path, ignored))
          write_file(path, std::to_string(i));
    }
  }
  ASSERT_TRUE(agrees(rules));
  const fs::path judge = dir / "judge";
  Arguments command = {"rsync", "-aL"};
  command.insert(command.end(), rules.begin(), rules.end());
  command.insert(command.end(), {source.native() + '/', judge.native() + '/'});
  run_ok(command);
  EXPECT_EQ(difference(snapshot(judge, Links::preserve), snapshot(copy("copy"), Links::preserve)),
            std::vector<std::string>{});
}

}  // namespace
}  // namespace mirrord::test
