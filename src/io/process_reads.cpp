#include "io/process_reads.hpp"

#include <fstream>
#include <string_view>

namespace mirrord {

namespace {

std::string directory_of(pid_t process) { return "/proc/" + std::to_string(process); }

std::optional<uint64_t> own_reads(pid_t process) {
  std::ifstream file(directory_of(process) + "/io");
  std::string key;
  uint64_t bytes = 0;
  while (file >> key >> bytes)
    if (key == "rchar:") return bytes;
  return std::nullopt;
}

bool runs(pid_t process, std::string_view program) {
  constexpr size_t kMost = 15;  // of a name, proc(5) comm
  std::ifstream file(directory_of(process) + "/comm");
  std::string name;
  return std::getline(file, name) && name == program.substr(0, kMost);
}

}  // namespace

std::optional<uint64_t> bytes_read_by(pid_t process, const std::string& but_for) {
  std::optional<uint64_t> sum = own_reads(process);
  if (!sum) return std::nullopt;
  std::ifstream children(directory_of(process) + "/task/" + std::to_string(process) + "/children");
  for (pid_t child; children >> child;)
    if (!runs(child, but_for)) *sum += bytes_read_by(child, but_for).value_or(0);
  return sum;
}

}  // namespace mirrord
