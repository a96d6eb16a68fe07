// Many directories at a time, read by threads. Also run with ThreadSanitizer: io.threads.
#include "io/directory_reader.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <map>
#include <set>
#include <system_error>
#include <thread>

#include "support/files.hpp"
#include "support/resource_limit.hpp"

namespace mirrord {
namespace {

using test::write_file;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

class DirectoryReader : public testing::Test {
 protected:
  static constexpr size_t kMany = 150;  // enough for all threads

  DirectoryReader() {
    for (size_t i = 0; i < kMany; ++i) {
      const fs::path dir = top_.path() / std::to_string(i);
      fs::create_directories(dir / ("below" + std::to_string(i)));
      requests_.push_back({dir});
    }
  }

  std::vector<DirectoryListing> read() {
    return read_directories(inotify_, requests_, Clock::time_point::max());
  }

  test::TempDir top_;
  Inotify inotify_;
  std::vector<DirectoryRequest> requests_;
};

TEST_F(DirectoryReader, FindsDirectoriesAndLinksAndCountsAll) {
  const fs::path dir = requests_.front().path;
  write_file(dir / "file", "x");
  fs::create_symlink("nowhere", dir / "link");
  const auto listing = read().front();
  std::map<std::string, unsigned char> found;
  for (const FoundEntry& entry : listing.found) found[entry.name] = entry.type;
  EXPECT_EQ(found, (std::map<std::string, unsigned char>{{"below0", DT_DIR}, {"link", DT_LNK}}));
  EXPECT_EQ(listing.entries, 3u);
  EXPECT_EQ(listing.error, 0);
}

TEST_F(DirectoryReader, FindsAllOfALargeDirectory) {
  constexpr size_t kLarge = 5000;  // more than one getdents64(2) returns
  for (size_t i = 0; i < kLarge; ++i)
    fs::create_symlink("nowhere", top_.path() / "7" / ("link" + std::to_string(i)));
  std::set<std::string> names;
  const auto listings = read();
  for (const FoundEntry& entry : listings[7].found) names.insert(entry.name);
  EXPECT_EQ(names.size(), kLarge + 1);
}

TEST_F(DirectoryReader, EachListingIsThatOfItsRequest) {
  const auto listings = read();
  ASSERT_EQ(listings.size(), kMany);
  for (size_t i = 0; i < kMany; ++i) {
    ASSERT_EQ(listings[i].found.size(), 1u);
    EXPECT_EQ(listings[i].found[0].name, "below" + std::to_string(i));
  }
}

TEST_F(DirectoryReader, EachDirectoryIsWatched) {
  const auto listings = read();
  std::map<int, std::string> expected, seen;
  for (size_t i = 0; i < kMany; ++i) {
    expected[listings[i].watch.wd] = "new" + std::to_string(i);
    fs::create_directory(fs::path(requests_[i].path) / ("new" + std::to_string(i)));
  }
  for (auto events = inotify_.read(); !events.empty(); events = inotify_.read())
    for (const WatchEvent& event : events) seen[event.wd] = event.name;
  EXPECT_EQ(expected.size(), kMany);
  EXPECT_EQ(seen, expected);
}

TEST_F(DirectoryReader, AnErrorConcernsItsRequestAlone) {
  fs::remove_all(requests_[10].path);
  fs::remove_all(requests_[20].path);
  write_file(requests_[20].path, "x");
  for (size_t i : {30, 40}) {
    const fs::path link = top_.path() / ("link" + std::to_string(i));
    fs::create_directory_symlink(requests_[i].path, link);
    requests_[i].path = link;
    requests_[i].follow = i == 40;
  }
  const auto listings = read();
  for (size_t i = 0; i < kMany; ++i) {
    const bool fails = i == 10 || i == 20 || i == 30;
    EXPECT_EQ(listings[i].error != 0, fails) << i;
    EXPECT_EQ(listings[i].watch.wd > 0, !fails) << i;
  }
  EXPECT_EQ(listings[10].error, ENOENT);
  EXPECT_EQ(listings[20].error, ENOTDIR);
  EXPECT_EQ(error_of(requests_[20]), ENOTDIR);
  EXPECT_EQ(error_of(requests_[40]), 0);
}

TEST_F(DirectoryReader, AsksForTheFileSystemWhereThatIsWanted) {
  requests_[1].asks_if_remote = false;
  auto listings = read();
  EXPECT_TRUE(listings[0].remote.has_value());
  EXPECT_FALSE(listings[1].remote.has_value());
  for (DirectoryRequest& request : requests_) request.local_device = listings[0].device;
  listings = read();
  EXPECT_FALSE(listings[0].remote.has_value());
}

TEST_F(DirectoryReader, ReadsNoMoreWhenItsTimeIsOver) {
  const auto listings = read_directories(inotify_, requests_, Clock::time_point::min());
  EXPECT_GE(listings.size(), 1u);
  EXPECT_LE(listings.size(), 4u) << "one a thread";
  for (size_t i = 0; i < listings.size(); ++i)
    EXPECT_EQ(listings[i].found.at(0).name, "below" + std::to_string(i));
}

TEST_F(DirectoryReader, LooksWithTheEyesOfTheUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can look as another user";
  constexpr uint32_t kGroup = 54321;
  fs::permissions(top_.path(), fs::perms::all);
  User nobody;
  nobody.uid = nobody.gid = 65534;
  nobody.groups = {kGroup};
  for (size_t i = 0; i < kMany; ++i) {
    requests_[i].user = nobody;
    // By turns: nobody may, only root may, who is in the group may.
    ASSERT_EQ(::chown(requests_[i].path.c_str(), 0, i % 3 == 2 ? kGroup : 0), 0);
    fs::permissions(requests_[i].path,
                    i % 3 == 0 ? fs::perms::all : fs::perms::owner_all | fs::perms(050));
  }
  const auto listings = read();
  for (size_t i = 0; i < kMany; ++i) EXPECT_EQ(listings[i].error, i % 3 == 1 ? EACCES : 0) << i;
  gid_t groups[64];
  const int count = ::getgroups(64, groups);
  EXPECT_EQ(std::count(groups, groups + std::max(0, count), kGroup), 0) << "ours are as before";
  EXPECT_EQ(error_of({requests_[1].path}), 0);
}

bool is_read(const DirectoryListing& listing) {
  return listing.watch.wd > 0 && listing.found.size() == 1;
}

TEST_F(DirectoryReader, OneDescriptorIsEnough) {
  Fd lowest(::open("/", O_RDONLY | O_CLOEXEC));
  const test::ResourceLimit limit(RLIMIT_NOFILE, static_cast<rlim_t>(lowest.get()) + 1);
  lowest.reset();
  const auto listings = read();
  EXPECT_EQ(listings.size(), kMany);
  EXPECT_TRUE(std::ranges::all_of(listings, is_read));
}

TEST_F(DirectoryReader, WithoutADescriptorItGivesUp) {
  const test::ResourceLimit limit(RLIMIT_NOFILE, test::kNoMoreDescriptors);
  const auto listings = read();
  EXPECT_GE(listings.size(), 1u);
  EXPECT_LE(listings.size(), 4u) << "one a thread";
  for (const DirectoryListing& listing : listings) EXPECT_EQ(listing.error, EMFILE);
}

TEST_F(DirectoryReader, WhatIsAboveIsNotListedAgain) {
  const auto listings = read();
  requests_[5].branch = {listings[4].watch.wd, listings[5].watch.wd};
  const auto again = read();
  EXPECT_EQ(again[5].watch.wd, listings[5].watch.wd);
  EXPECT_TRUE(again[5].is_above);
  EXPECT_EQ(again[5].entries, 0u);
  EXPECT_EQ(std::ranges::count_if(again, is_read), std::ssize(requests_) - 1);
}

/// An exit status; 77 where it cannot be tried. In a child: the limit is that of a user,
/// setrlimit(2).
int read_without_threads(const Inotify& inotify, const std::vector<DirectoryRequest>& requests) {
  constexpr int kSkipped = 77;
  const rlimit none{0, 0};
  if (::setgroups(0, nullptr) < 0 || ::setrlimit(RLIMIT_NPROC, &none) < 0 || ::setuid(65534) < 0)
    return kSkipped;
  try {
    std::thread([] {}).join();
    return kSkipped;
  } catch (const std::system_error&) {
  }
  const auto listings = read_directories(inotify, requests, Clock::time_point::max());
  return std::ranges::count_if(listings, is_read) == std::ssize(requests) ? 0 : 1;
}

TEST_F(DirectoryReader, ReadsAllWhereThereCanBeNoThreads) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become a user without processes";
  fs::permissions(top_.path(), fs::perms::all);
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(read_without_threads(inotify_, requests_));
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) GTEST_SKIP() << "threads are not refused";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace mirrord
