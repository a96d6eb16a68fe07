// The kernel's inotify(7) as values: watches by descriptor, records as typed events.
//
// Owns one inotify instance and nothing else: no paths, no trees. Expected refusals (no such
// directory, no permission, watch limit) are returned as errno, not thrown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/handle.hpp"

namespace mirrord {

struct WatchEvent {
  enum class Kind {
    created,  ///< a new entry `name`
    moved_in,
    deleted,  ///< the entry `name` has gone
    moved_out,
    written,     ///< `name` was closed after writing
    modified,    ///< `name` was written to
    attributes,  ///< of `name`; of the directory itself when name is empty
    self_gone,   ///< the watched directory was deleted or moved
    unmounted,
    ignored,   ///< the kernel has ended the watch
    overflow,  ///< events were lost
  };
  int wd = -1;
  Kind kind = Kind::created;
  bool directory = false;
  std::string_view name;  ///< lives in the bytes that were read
  bool operator==(const WatchEvent&) const = default;
};

/// The records of one read(2), in order. Pure: tested with bytes made by hand.
std::vector<WatchEvent> parse_records(std::span<const std::byte> bytes);

/// Takes out what is told again by a later event of the same entry: that it was created or written,
/// if then it was closed after writing, or has gone. `counts` says which are wanted all the same.
void drop_repeated(std::vector<WatchEvent>& events,
                   const std::function<bool(const WatchEvent&)>& counts);

/// A limit of the kernel as it is now, under the name that sysctl(8) has for it.
struct InotifyLimit {
  std::string name;
  uint64_t value = 0;
};
/// What refuses a watch (ENOSPC) or an instance (EMFILE). Each user namespace has limits of its
/// own, namespaces(7); where ours is the lower one, raising that of the whole machine would not
/// help.
InotifyLimit limit_behind(int error);
/// The command that makes room for so many more, and as many as there are now.
std::string command_raising(const InotifyLimit& limit, uint64_t more);

class Inotify {
 public:
  Inotify() { open(); }
  /// Tries to get the instance that the limit of instances refused, inotify(7).
  bool open();
  /// False while there is no instance: nothing can be watched.
  explicit operator bool() const { return static_cast<bool>(fd_); }

  struct Added {
    int wd = -1;
    /// errno when wd < 0: ENOSPC at the limit of watches, EMFILE at that of instances.
    int error = 0;
  };
  /// What a directory is watched for. Uses add up: a watch is never narrowed.
  enum class Interest {
    names,     ///< which entries it has, and who may enter them: a step of some path
    contents,  ///< what is written to its entries too
  };
  /// Watches the open directory `fd`, whatever its path has become meanwhile. Several threads may
  /// do so at a time.
  Added add(const Fd& fd, Interest interest) const;
  /// Watches the directory at this path, if that is no link. It takes no descriptor.
  Added add(const std::string& directory, Interest interest) const;
  void remove(int wd);
  /// Everything that is queued, at most `kReadLimit` bytes; empty when there is nothing. The names
  /// are good until the next read.
  std::vector<WatchEvent> read();
  int fd() const { return fd_.get(); }
  /// Bytes that are queued now, and that were read before.
  uint64_t unread() const;
  uint64_t consumed() const { return consumed_; }
  /// How many times read() was called.
  uint64_t reads() const { return reads_; }

 private:
  Added add(const std::string& path, Interest interest, uint32_t flags) const;

  static constexpr size_t kReadLimit = 256 * 1024;
  Fd fd_;
  uint64_t reads_ = 0;
  uint64_t consumed_ = 0;
  std::vector<std::byte> buffer_;
};

}  // namespace mirrord
