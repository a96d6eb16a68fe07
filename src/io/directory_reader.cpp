#include "io/directory_reader.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <exception>
#include <functional>
#include <string_view>
#include <thread>

#include "io/file_system.hpp"
#include "io/fs_identity.hpp"
#include "io/handle.hpp"

namespace mirrord {

namespace {

using Clock = std::chrono::steady_clock;

Fd open_as_user(const DirectoryRequest& request, DirectoryListing& listing) {
  const FsIdentity eyes(request.user);
  const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (request.follow ? 0 : O_NOFOLLOW);
  Fd fd(::open(request.path.c_str(), flags));
  // One that can be listed and not searched shows rsync nothing but errors.
  struct stat st {};
  if (!fd || ::fstatat(fd.get(), ".", &st, 0) < 0) {
    listing.error = errno;
    return {};
  }
  listing.device = st.st_dev;
  listing.inode = st.st_ino;
  return fd;
}

void take(int directory, const dirent64& entry, DirectoryListing& listing) {
  const std::string_view name = entry.d_name;
  if (name == "." || name == "..") return;
  ++listing.entries;
  unsigned char type = entry.d_type;
  struct stat st {};
  if (type == DT_UNKNOWN && ::fstatat(directory, entry.d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
    type = static_cast<unsigned char>(IFTODT(st.st_mode));
  if (type == DT_DIR || type == DT_LNK) listing.found.push_back({std::string(name), type});
}

/// readdir(3) asks four more times about each directory, three of them before it begins.
void list(const Fd& fd, DirectoryListing& listing) {
  alignas(dirent64) char buffer[32768];
  long size = 0;
  while ((size = ::syscall(SYS_getdents64, fd.get(), buffer, sizeof buffer)) > 0)
    for (long at = 0; at < size;) {
      const auto& entry = *reinterpret_cast<const dirent64*>(buffer + at);
      take(fd.get(), entry, listing);
      at += entry.d_reclen;
    }
  if (size < 0 && errno != ENOENT) listing.cut_short = errno;  // ENOENT: it was just removed
}

DirectoryListing read_one(const Inotify& inotify, const DirectoryRequest& request) {
  DirectoryListing listing;
  Fd fd = open_as_user(request, listing);
  if (!fd) return listing;
  listing.watch = inotify.add(fd, Inotify::Interest::contents);
  listing.is_above = std::ranges::count(request.branch, listing.watch.wd) != 0;
  if (listing.is_above) return listing;
  if (request.asks_if_remote && listing.device != request.local_device)
    listing.remote = reports_only_local_changes(fd);
  list(fd, listing);
  return listing;
}

/// Works in this thread and in so many others, or in fewer where there can be no more of them,
/// pthread_create(3). All have ended when it returns; what one of them throws is thrown then.
void in_threads(size_t others, const std::function<void()>& work) {
  std::vector<std::exception_ptr> failures(others + 1);
  auto guarded = [&](size_t thread) {
    try {
      work();
    } catch (...) {
      failures[thread] = std::current_exception();
    }
  };
  std::vector<std::thread> threads;
  threads.reserve(others);
  try {
    while (threads.size() < others) threads.emplace_back(guarded, threads.size());
  } catch (const std::exception&) {
  }
  guarded(others);
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

}  // namespace

int error_of(const DirectoryRequest& request) {
  DirectoryListing listing;
  (void)open_as_user(request, listing);
  return listing.error;
}

std::vector<DirectoryListing> read_directories(const Inotify& inotify,
                                               std::span<const DirectoryRequest> requests,
                                               Clock::time_point until) {
  constexpr size_t kHelpers = 3;
  constexpr size_t kWorthAHelper = 32;  // it takes as long to begin as some directories
  std::vector<DirectoryListing> listings(requests.size());
  std::atomic<size_t> next = 0;
  // A thread that finds no descriptor leaves the rest to those that have one.
  in_threads(std::min(kHelpers, requests.size() / kWorthAHelper), [&] {
    for (bool goes_on = true; goes_on;) {
      const size_t mine = next++;
      if (mine >= requests.size()) return;
      listings[mine] = read_one(inotify, requests[mine]);
      goes_on = Clock::now() < until && !out_of_descriptors(listings[mine].error);
    }
  });
  listings.resize(std::min<size_t>(next, requests.size()));
  for (size_t i = 0; i < listings.size(); ++i)
    if (out_of_descriptors(listings[i].error)) listings[i] = read_one(inotify, requests[i]);
  return listings;
}

}  // namespace mirrord
