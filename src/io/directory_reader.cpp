#include "io/directory_reader.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <functional>
#include <future>
#include <string_view>
#include <system_error>

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
  for (long size; (size = ::syscall(SYS_getdents64, fd.get(), buffer, sizeof buffer)) > 0;)
    for (long at = 0; at < size;) {
      const auto& entry = *reinterpret_cast<const dirent64*>(buffer + at);
      take(fd.get(), entry, listing);
      at += entry.d_reclen;
    }
}

DirectoryListing read_one(const Inotify& inotify, const DirectoryRequest& request) {
  DirectoryListing listing;
  Fd fd = open_as_user(request, listing);
  if (!fd) return listing;
  listing.watch = inotify.add(fd, Inotify::Interest::contents);
  if (listing.device != request.known_device) listing.remote = reports_only_local_changes(fd);
  list(fd, listing);
  return listing;
}

/// With fewer threads where there can be no more of them, pthread_create(3) EAGAIN.
std::vector<std::future<void>> start(size_t threads, const std::function<void()>& work) {
  std::vector<std::future<void>> started;
  try {
    while (started.size() < threads) started.push_back(std::async(std::launch::async, work));
  } catch (const std::system_error&) {
  }
  return started;
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
  auto work = [&] {
    do {
      const size_t mine = next++;
      if (mine >= requests.size()) return;
      listings[mine] = read_one(inotify, requests[mine]);
    } while (Clock::now() < until);
  };
  auto helpers = start(std::min(kHelpers, requests.size() / kWorthAHelper), work);
  work();
  for (auto& helper : helpers) helper.get();
  listings.resize(std::min<size_t>(next, requests.size()));
  return listings;
}

}  // namespace mirrord
