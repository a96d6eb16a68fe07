// /proc/self/mountinfo: the kernel writes it, but users choose the names in it.
#include "core/mounts.hpp"
#include "fuzz/fuzz.hpp"

using namespace mirrord;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Mounts points = parse_mounts(std::string(fuzz::bytes_of(data, size)));
  for (const auto& [point, which] : points) {
    fuzz::must(!point.empty(), "a mount point has a name");
    const std::string below = point + "/below";
    if (!point.starts_with('/') || point.ends_with('/') || points.contains(below)) continue;
    fuzz::must(mount_point_of(points, below) == point, "what is below is on it");
  }
  return 0;
}
