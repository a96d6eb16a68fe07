#include "core/config_rsync_options.hpp"

#include <gtest/gtest.h>

namespace mirrord {
namespace {

TEST(RsyncOptions, LetsHarmlessOnesPass) {
  for (const char* option : {"--fuzzy",
                             "-W",
                             "--whole-file",
                             "--no-whole-file",
                             "-aAX",
                             "-4",
                             "--log-file=/var/log/x",
                             "--backup",
                             "--backup-dir=/old",
                             "--temp-dir=/tmp",
                             "-T/tmp",
                             "-B1024",
                             "--fake-super",
                             "-M--fake-super",
                             "--remote-option=--fake-super",
                             "--compress-choice=zstd",
                             "--zc=zstd",
                             "--no-inc-recursive",
                             "--no-i-r",
                             "--omit-dir-times",
                             "-O",
                             "--iconv=utf8,latin1",
                             "--no-owner",
                             "--no-g",
                             "--delay-updates",
                             "--ignore-times",
                             "--checksum-choice=md5",
                             "-y"})
    EXPECT_FALSE(refused_rsync_option(option)) << option;
}

TEST(RsyncOptions, RefusesWhatWouldBreakAGuarantee) {
  for (const char* option : {"--files-from=x",
                             "--files-from",
                             "--from0",
                             "-0",
                             "--recursive",
                             "-r",
                             "--no-recursive",
                             "--no-r",
                             "-R",
                             "--relative",
                             "--no-relative",
                             "--no-R",
                             "--dirs",
                             "-d",
                             "--daemon",
                             "--server",
                             "--sender",
                             "--config=x",
                             "-n",
                             "--dry-run",
                             "--inplace",
                             "--one-file-system",
                             "-x",
                             "--compare-dest=/old",
                             "--stop-after=1",
                             "--stop-at=12:00",
                             "--time-limit=1",
                             "--list-only",
                             "--only-write-batch=x",
                             "--write-batch=x",
                             "--read-batch=x",
                             "--stats",
                             "--out-format=%n",
                             "--info=all",
                             "--progress",
                             "-P",
                             "-v",
                             "-q",
                             "-i",
                             "--itemize-changes",
                             "-h",
                             "--help",
                             "--version",
                             "-V",
                             "--ignore-existing",
                             "--existing",
                             "--update",
                             "-u",
                             "--size-only",
                             "--append",
                             "--append-verify",
                             "--max-size=1g",
                             "--min-size=1",
                             "--modify-window=1",
                             "-@1",
                             "-a@1",
                             "--checksum-choice=none",
                             "--cc=md5,none",
                             "--remove-source-files",
                             "--remove-sent-files",
                             "--force",
                             "--ignore-errors",
                             "--no-times",
                             "--old-args"})
    EXPECT_TRUE(refused_rsync_option(option)) << option;
}

TEST(RsyncOptions, NamesTheKeyToUseInstead) {
  const std::pair<const char*, const char*> cases[] = {
      {"--delete", "'delete'"},
      {"--delete-after", "'delete'"},
      {"--del", "'delete'"},
      {"--delete-excluded", "'delete'"},
      {"--max-delete=5", "'max_delete'"},
      {"--exclude=x", "'exclude'"},
      {"--exclude-from=x", "'exclude'"},
      {"--include=x", "'filter'"},
      {"--filter=- x", "'filter'"},
      {"-f- x", "'filter'"},
      {"-F", "'filter'"},
      {"-e", "[.ssh]"},
      {"--rsh=ssh", "[.ssh]"},
      {"--timeout=5", "'timeout'"},
      {"--partial-dir=x", "'partial_dir'"},
      {"--links", "'symlinks'"},
      {"-l", "'symlinks'"},
      {"--no-links", "'symlinks'"},
      {"--no-l", "'symlinks'"},
      {"-L", "'symlinks'"},
      {"-k", "'symlinks'"},
      {"--copy-unsafe-links", "'symlinks'"},
      {"--safe-links", "'symlinks'"},
      {"--copy-dirlinks", "'symlinks'"},
      {"-H", "'hard_links'"},
      {"--bwlimit=1", "'bandwidth_limit'"},
      {"--rsync-path=x", "'remote_program'"},
  };
  for (const auto& [option, key] : cases) {
    const auto why = refused_rsync_option(option);
    ASSERT_TRUE(why) << option;
    EXPECT_NE(why->find(key), std::string_view::npos) << option << ": " << *why;
  }
}

TEST(RsyncOptions, ChecksCombinedLettersOneByOne) {
  EXPECT_TRUE(refused_rsync_option("-an"));
  EXPECT_TRUE(refused_rsync_option("-zve"));
  EXPECT_FALSE(refused_rsync_option("-zSW"));
  EXPECT_FALSE(refused_rsync_option("-T/run/n")) << "what follows -T is its value";
}

TEST(RsyncOptions, ChecksWhatIsPassedToTheOtherSide) {
  EXPECT_TRUE(refused_rsync_option("-M--delete"));
  EXPECT_TRUE(refused_rsync_option("--remote-option=--daemon"));
}

TEST(RsyncOptions, WantsOneOptionInAString) {
  EXPECT_EQ(refused_rsync_option("--fuzzy --delay-updates"), "one option in each string");
  EXPECT_EQ(refused_rsync_option("-W --fuzzy"), "one option in each string");
  EXPECT_FALSE(refused_rsync_option("--temp-dir=/var/my own"));
}

TEST(RsyncOptions, KnowsWhichHaveTheirValueInTheNextArgument) {
  for (const char* option : {"--bwlimit", "--exclude", "--temp-dir", "-T", "-e", "-ze", "-f"})
    EXPECT_TRUE(value_follows(option)) << option;
  for (const char* option : {"", "-", "--", "--bwlimit=1", "--fuzzy", "-T/tmp", "-z", "e", "x"})
    EXPECT_FALSE(value_follows(option)) << option;
}

TEST(RsyncOptions, WantsOptionAndValueInOneString) {
  for (const char* option :
       {"", "-", "--", "x", "/tmp", "--temp-dir", "-T", "-xT", "-M", "--chmod"})
    EXPECT_TRUE(refused_rsync_option(option)) << option;
}

}  // namespace
}  // namespace mirrord
