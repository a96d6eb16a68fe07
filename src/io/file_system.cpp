#include "io/file_system.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/mounts.hpp"

namespace mirrord {

namespace {

// statfs(2). Plain numbers: linux/magic.h of el7 lacks some of the names.
constexpr std::pair<unsigned long, const char*> kRemote[] = {
    {0x6969, "NFS"},        {0x517b, "SMB"},         {0xff534d42, "CIFS"},  {0xfe534d42, "SMB"},
    {0x65735546, "FUSE"},   {0x794c7630, "overlay"}, {0x01021997, "9P"},    {0x00c36400, "Ceph"},
    {0x0bd00bd0, "Lustre"}, {0x01161970, "GFS2"},    {0x7461636f, "OCFS2"}, {0x5346414f, "AFS"},
    {0x73757245, "Coda"},   {0x786f4256, "vboxsf"},
};

std::string type_name(mode_t mode) {
  if (S_ISREG(mode)) return "file";
  if (S_ISDIR(mode)) return "directory";
  return S_ISLNK(mode) ? "link" : "other";
}

/// FUSE may give the handle of a directory that nobody holds anew.
uint64_t generation_of(const std::string& path) {
  constexpr unsigned long kFuse = 0x65735546;
  struct statfs fs {};
  if (::statfs(path.c_str(), &fs) < 0 || static_cast<unsigned long>(fs.f_type) == kFuse) return 0;
  // The handle's bytes follow its head.
  constexpr size_t kMost = MAX_HANDLE_SZ;
  alignas(file_handle) char buffer[sizeof(file_handle) + kMost] = {};
  auto* handle = reinterpret_cast<file_handle*>(buffer);
  handle->handle_bytes = kMost;
  int mount = 0;
  if (::name_to_handle_at(AT_FDCWD, path.c_str(), handle, &mount, AT_SYMLINK_FOLLOW) < 0) return 0;
  return std::hash<std::string_view>{}({buffer + sizeof(file_handle), handle->handle_bytes});
}

std::string read_from_start(const Fd& file, const char* purpose) {
  std::string text;
  char buffer[4096];
  check_errno(static_cast<int>(::lseek(file.get(), 0, SEEK_SET)), purpose);
  while (ssize_t n = ::read(file.get(), buffer, sizeof buffer))
    text.append(buffer, static_cast<size_t>(check_errno(static_cast<int>(n), purpose)));
  return text;
}

}  // namespace

std::string reports_only_local_changes(const Fd& directory) {
  struct statfs fs {};
  if (::fstatfs(directory.get(), &fs) < 0) return "";
  for (const auto& [type, name] : kRemote)
    if (static_cast<unsigned long>(fs.f_type) == type) return name;
  return "";
}

std::optional<Identity> identity_of(const std::string& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) < 0) return std::nullopt;
  return Identity{st.st_dev, st.st_ino, generation_of(path)};
}

std::optional<bool> is_open_for_writing(const std::string& path) {
  // Found first, opened then: of a device that has come in its place, that may be an act.
  const Fd found(::open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat st {};
  if (!found || ::fstat(found.get(), &st) < 0 || !S_ISREG(st.st_mode)) return std::nullopt;
  const std::string same = "/proc/self/fd/" + std::to_string(found.get());
  const Fd fd(::open(same.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return std::nullopt;
  // A read lease is refused exactly while there is a writer. Given back at once; a writer that
  // comes in between waits for that moment, and its SIGIO is ignored.
  if (::fcntl(fd.get(), F_SETLEASE, F_RDLCK) == 0) {
    (void)::fcntl(fd.get(), F_SETLEASE, F_UNLCK);
    return false;
  }
  return errno == EAGAIN ? std::optional(true) : std::nullopt;
}

bool is_empty_directory(const std::string& path) {
  std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(path.c_str()), ::closedir);
  if (!stream) return true;
  while (const dirent* entry = ::readdir(stream.get())) {
    std::string_view name = entry->d_name;
    // mke2fs(8) makes lost+found.
    if (name != "." && name != ".." && name != "lost+found") return false;
  }
  return true;
}

bool has_hard_links(const std::string& path) {
  struct stat st {};
  return ::stat(path.c_str(), &st) == 0 && !S_ISDIR(st.st_mode) && st.st_nlink > 1;
}

uint64_t file_size(const std::string& path) {
  struct stat st {};
  bool regular = ::stat(path.c_str(), &st) == 0 && S_ISREG(st.st_mode);
  return regular ? static_cast<uint64_t>(st.st_size) : 0;
}

bool holds_more_than(const std::string& directory, uint64_t bytes, size_t entries, size_t& looks) {
  namespace fs = std::filesystem;
  std::error_code error, unknown;  // what cannot be read is not sent
  uint64_t sum = 0;
  size_t count = 0;
  fs::recursive_directory_iterator at(directory, fs::directory_options::skip_permission_denied,
                                      error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    if (looks == 0) return true;
    --looks;
    if (fs::is_regular_file(at->symlink_status(unknown))) sum += at->file_size(unknown);
    if (sum > bytes || ++count > entries) return true;
  }
  return false;
}

PathFacts look_along(const std::string& source, const std::string& path) {
  PathFacts facts;
  facts.path = path;
  facts.type = "missing";
  for (size_t end = 0; end != std::string::npos && !path.empty();) {
    end = path.find('/', end + 1);
    std::string prefix = path.substr(0, end);
    struct stat st {};
    if (::lstat((source + '/' + prefix).c_str(), &st) == 0 && S_ISLNK(st.st_mode))
      facts.symlinks.push_back(std::move(prefix));
  }
  std::string whole = path.empty() ? source : source + '/' + path;
  struct stat st {};
  // A link that leads nowhere is at least a link.
  if (::stat(whole.c_str(), &st) == 0 || ::lstat(whole.c_str(), &st) == 0)
    facts.type = type_name(st.st_mode);
  if (facts.type == "file")
    facts.readable =
        static_cast<bool>(Fd(::open(whole.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)));
  std::unique_ptr<char, decltype(&std::free)> real(::realpath(whole.c_str(), nullptr), std::free);
  if (real) facts.file = real.get();
  return facts;
}

Mounts read_mounts(const Fd& mountinfo) {
  // Linux before 5.8 may pass an entry over when one before it goes between two reads.
  constexpr int kAttempts = 5;
  std::string text, before;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    text = read_from_start(mountinfo, "read the mounts");
    if (attempt > 0 && text == before) break;
    before = text;
  }
  return parse_mounts(text);
}

}  // namespace mirrord
