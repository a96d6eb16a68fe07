#include "io/process_traffic.hpp"

#include <fstream>
#include <string_view>

namespace mirrord {

namespace {

std::string directory_of(pid_t process) { return "/proc/" + std::to_string(process); }

std::optional<uint64_t> own_bytes(pid_t process) {
  std::ifstream file(directory_of(process) + "/io");
  std::string read, written;
  uint64_t bytes_read = 0, bytes_written = 0;
  if (!(file >> read >> bytes_read >> written >> bytes_written)) return std::nullopt;
  if (read != "rchar:" || written != "wchar:") return std::nullopt;
  return bytes_read + bytes_written;
}

bool runs(pid_t process, std::string_view program) {
  constexpr size_t kMost = 15;  // of a name, proc(5) comm
  std::ifstream file(directory_of(process) + "/comm");
  std::string name;
  return std::getline(file, name) && name == program.substr(0, kMost);
}

}  // namespace

std::optional<uint64_t> bytes_moved_by(pid_t process, const std::string& but_for) {
  std::optional<uint64_t> sum = own_bytes(process);
  std::ifstream children(directory_of(process) + "/task/" + std::to_string(process) + "/children");
  if (!sum || !children) return std::nullopt;
  for (pid_t child; children >> child;) {
    if (runs(child, but_for)) continue;
    const std::optional<uint64_t> below = bytes_moved_by(child, but_for);
    if (!below) return std::nullopt;
    *sum += *below;
  }
  return sum;
}

}  // namespace mirrord
