#include "ctl/small_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <fstream>
#include <utility>

#include "io/handle.hpp"

namespace mirrord {
namespace {

constexpr off_t kMaxSize = 1u << 20;

}  // namespace

SmallFile read_small_file(const std::string& path, Links links) {
  // Not for reading: some files notice that, and by the next look the name may be another file's.
  const int flags = O_PATH | O_CLOEXEC | (links == Links::refuse ? O_NOFOLLOW : 0);
  const Fd file(::open(path.c_str(), flags));
  struct stat found {};
  if (!file || ::fstat(file.get(), &found) < 0) return {std::nullopt, "no such file"};
  if (!S_ISREG(found.st_mode)) return {std::nullopt, "no regular file"};
  if (found.st_size > kMaxSize) return {std::nullopt, "too large"};
  std::ifstream stream("/proc/self/fd/" + std::to_string(file.get()), std::ios::binary);
  std::string content(static_cast<size_t>(found.st_size), '\0');
  if (!stream.read(content.data(), found.st_size)) return {std::nullopt, "cannot be read"};
  return {std::move(content)};
}

}  // namespace mirrord
