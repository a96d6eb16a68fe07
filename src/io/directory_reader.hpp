// Opens, watches and lists directories, many at a time. Watch first, list second.
//
// A crawl is nothing but system calls, and after a reboot each of them waits for the disk. So a few
// threads share the work. They begin and end within one call, and touch nothing but a request, its
// listing and the kernel's inotify instance: no other part of the daemon knows of them.
//
// It refuses to say what a directory means: it knows paths and no trees.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/model.hpp"
#include "io/inotify.hpp"

namespace mirrord {

struct DirectoryRequest {
  std::string path;
  bool follow = false;            ///< whether a link at the end of the path is followed
  std::optional<User> user = {};  ///< whose eyes look; unset = our own
  std::vector<int> branch = {};   ///< watches of the directories above it, as the source has it
  bool asks_if_remote = true;
  dev_t local_device = 0;  ///< known not to be remote
};

struct FoundEntry {
  std::string name;
  unsigned char type = 0;  ///< DT_DIR or DT_LNK, readdir(3)
};

struct DirectoryListing {
  int error = 0;  ///< errno, when it cannot be opened or searched; nothing else is known then
  dev_t device = 0;
  ino_t inode = 0;
  std::optional<std::string> remote;  ///< as reports_only_local_changes() has it, if it was asked
  Inotify::Added watch;
  bool is_above = false;          ///< one of the branch: it is not listed again
  int cut_short = 0;              ///< errno, when it was not listed to its end
  uint64_t entries = 0;           ///< all that are in it
  std::vector<FoundEntry> found;  ///< directories and links
};

/// errno, when it cannot be opened or searched.
int error_of(const DirectoryRequest& request);

/// Listings of the first requests, in their order: at least one, and no more once `until` is over.
std::vector<DirectoryListing> read_directories(const Inotify& inotify,
                                               std::span<const DirectoryRequest> requests,
                                               std::chrono::steady_clock::time_point until);

}  // namespace mirrord
