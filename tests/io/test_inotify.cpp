#include "io/inotify.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/inotify.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "support/files.hpp"

namespace mirrord {
namespace {

using Kind = WatchEvent::Kind;
using test::TempDir;
using test::write_file;
namespace fs = std::filesystem;

/// One record as the kernel writes it: the name is padded with NULs.
std::vector<std::byte> record(int wd, uint32_t mask, const std::string& name, size_t padding = 3) {
  inotify_event header{};
  header.wd = wd;
  header.mask = mask;
  header.len = static_cast<uint32_t>(name.empty() ? 0 : name.size() + padding);
  std::vector<std::byte> bytes(sizeof header + header.len);
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(bytes.data() + sizeof header, name.data(), name.size());
  return bytes;
}

std::vector<std::byte> operator+(std::vector<std::byte> a, const std::vector<std::byte>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST(InotifyLimit, IsRaisedByWhatIsMissing) {
  EXPECT_EQ(command_raising({"fs.inotify.max_user_watches", 1000}, 20'000),
            "sysctl fs.inotify.max_user_watches=32768");
  EXPECT_EQ(command_raising({"fs.inotify.max_user_watches", 8192}, 1),
            "sysctl fs.inotify.max_user_watches=16384");
  EXPECT_EQ(command_raising({"unknown", std::numeric_limits<uint64_t>::max()}, 7),
            "sysctl unknown=2147483647");
  EXPECT_EQ(command_raising({"user.max_inotify_instances", 1}, 0),
            "sysctl user.max_inotify_instances=128");
}

TEST(InotifyRecords, WhatALaterEventOfTheEntryTellsAgainIsDropped) {
  const WatchEvent created{1, Kind::created, false, "f"}, modified{1, Kind::modified, false, "f"};
  const WatchEvent written{1, Kind::written, false, "f"}, deleted{1, Kind::deleted, false, "f"};
  const WatchEvent moved_in{1, Kind::moved_in, false, "f"}, chmod{1, Kind::attributes, false, "f"};
  const WatchEvent other{1, Kind::created, false, "g"}, elsewhere{2, Kind::created, false, "f"};
  const struct {
    std::vector<WatchEvent> events, kept;
  } cases[] = {
      {{created, modified, written}, {written}},
      {{created, modified}, {created, modified}},  // it is open still
      {{modified, written, modified}, {written, modified}},
      {{created, written, deleted}, {deleted}},
      {{created, deleted, created}, {deleted, created}},
      {{moved_in, written}, {moved_in, written}},
      {{chmod, written}, {chmod, written}},
      {{written, chmod}, {written, chmod}},
      {{other, elsewhere, written}, {other, elsewhere, written}},
  };
  for (const auto& c : cases) {
    std::vector<WatchEvent> events = c.events;
    drop_repeated(events, [](const WatchEvent&) { return false; });
    EXPECT_EQ(events, c.kept);
    events = c.events;
    drop_repeated(events, [](const WatchEvent& event) { return event.wd == 1; });
    EXPECT_EQ(events, c.events) << "each counts";
  }
}

TEST(InotifyRecords, EachMaskIsAKind) {
  const struct {
    uint32_t mask;
    Kind kind;
  } cases[] = {
      {IN_CREATE, Kind::created},
      {IN_MOVED_TO, Kind::moved_in},
      {IN_DELETE, Kind::deleted},
      {IN_MOVED_FROM, Kind::moved_out},
      {IN_CLOSE_WRITE, Kind::written},
      {IN_MODIFY, Kind::modified},
      {IN_ATTRIB, Kind::attributes},
      {IN_DELETE_SELF, Kind::self_gone},
      {IN_MOVE_SELF, Kind::self_gone},
      {IN_UNMOUNT, Kind::unmounted},
      {IN_IGNORED, Kind::ignored},
      {IN_Q_OVERFLOW, Kind::overflow},
      {IN_UNMOUNT | IN_IGNORED, Kind::ignored},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(parse_records(record(4, c.mask, "n")),
              (std::vector<WatchEvent>{{4, c.kind, false, "n"}}))
        << c.mask;
    EXPECT_EQ(parse_records(record(4, c.mask | IN_ISDIR, "n")).at(0).directory, true);
  }
  EXPECT_TRUE(parse_records(record(4, IN_ACCESS, "n")).empty()) << "not asked for";
}

TEST(InotifyRecords, KeepsTheOrderAndTheBytesOfNames) {
  std::string longest(255, 'x');
  auto bytes = record(1, IN_CREATE, "new\nline") + record(2, IN_ATTRIB, "") +
               record(1, IN_DELETE, "\xff", 15) + record(3, IN_CREATE, longest, 1);
  EXPECT_EQ(parse_records(bytes), (std::vector<WatchEvent>{{1, Kind::created, false, "new\nline"},
                                                           {2, Kind::attributes, false, ""},
                                                           {1, Kind::deleted, false, "\xff"},
                                                           {3, Kind::created, false, longest}}));
}

TEST(InotifyRecords, ANameMayFillItsFieldWithoutTerminator) {
  EXPECT_EQ(parse_records(record(1, IN_CREATE, "abcd", 0)).at(0).name, "abcd");
}

TEST(InotifyRecords, StopsAtATruncatedRecord) {
  auto whole = record(1, IN_CREATE, "first");
  auto both = whole + record(1, IN_CREATE, "second");
  for (size_t size = 0; size <= both.size(); ++size) {
    auto events = parse_records(std::span(both).first(size));
    EXPECT_EQ(events.size(), size < whole.size() ? 0 : size < both.size() ? 1 : 2) << size;
  }
}

class InotifyTest : public testing::Test {
 protected:
  using Interest = Inotify::Interest;
  Inotify::Added watch(const fs::path& directory, Interest interest = Interest::contents) {
    return inotify.add(Fd(::open(directory.c_str(), O_RDONLY | O_CLOEXEC)), interest);
  }
  std::vector<WatchEvent> read() {
    pollfd ready{inotify.fd(), POLLIN, 0};
    EXPECT_EQ(::poll(&ready, 1, 10'000), 1);
    return inotify.read();
  }
  TempDir dir;
  Inotify inotify;
};

TEST_F(InotifyTest, IsSilentWithoutEvents) {
  EXPECT_TRUE(inotify.read().empty());
  EXPECT_GE(watch(dir.path()).wd, 0);
  EXPECT_TRUE(inotify.read().empty());
}

TEST_F(InotifyTest, ReportsWhatHappensInADirectory) {
  int wd = watch(dir.path()).wd;
  write_file(dir / "f", "x");
  fs::create_directory(dir / "d");
  fs::rename(dir / "f", dir / "g");
  fs::remove(dir / "g");
  EXPECT_EQ(read(), (std::vector<WatchEvent>{{wd, Kind::created, false, "f"},
                                             {wd, Kind::modified, false, "f"},
                                             {wd, Kind::written, false, "f"},
                                             {wd, Kind::created, true, "d"},
                                             {wd, Kind::moved_out, false, "f"},
                                             {wd, Kind::moved_in, false, "g"},
                                             {wd, Kind::deleted, false, "g"}}));
}

TEST_F(InotifyTest, ReportsContentsOnlyWhereAsked) {
  fs::create_directory(dir / "closely");
  fs::create_directory(dir / "loosely");
  int closely = watch(dir / "closely").wd;
  watch(dir / "loosely", Interest::names);
  for (const char* name : {"closely", "loosely"}) write_file(dir / name / "f", "x");
  auto events = read();
  EXPECT_TRUE(std::ranges::count(events, WatchEvent{closely, Kind::modified, false, "f"}));
  EXPECT_FALSE(std::ranges::any_of(events, [&](const WatchEvent& event) {
    return event.wd != closely && event.kind != Kind::created;
  }));
}

TEST_F(InotifyTest, TwoPathsToOneDirectoryShareADescriptorAndKeepTheWiderMask) {
  fs::create_directory(dir / "real");
  fs::create_directory_symlink("real", dir / "link");
  int wd = watch(dir / "real").wd;
  EXPECT_EQ(watch(dir / "link", Interest::names).wd, wd);
  write_file(dir / "real" / "f", "x");
  auto events = read();
  EXPECT_TRUE(std::ranges::count(events, WatchEvent{wd, Kind::modified, false, "f"}));
}

TEST_F(InotifyTest, ARemovedWatchIsSilent) {
  int wd = watch(dir.path()).wd;
  inotify.remove(wd);
  write_file(dir / "f", "x");
  EXPECT_EQ(read(), (std::vector<WatchEvent>{{wd, Kind::ignored, false, ""}}));
  inotify.remove(wd);  // the kernel was quicker: no error
}

TEST_F(InotifyTest, TellsThatTheDirectoryItselfHasGone) {
  fs::create_directory(dir / "d");
  int wd = watch(dir / "d").wd;
  fs::remove(dir / "d");
  auto events = read();
  EXPECT_TRUE(std::ranges::count(events, WatchEvent{wd, Kind::self_gone, false, ""}));
  EXPECT_EQ(events.back(), (WatchEvent{wd, Kind::ignored, false, ""}));
}

TEST_F(InotifyTest, RefusesWhatIsNoDirectory) {
  write_file(dir / "f", "x");
  auto added = watch(dir / "f");
  EXPECT_EQ(added.wd, -1);
  EXPECT_EQ(added.error, ENOTDIR);
}

}  // namespace
}  // namespace mirrord
