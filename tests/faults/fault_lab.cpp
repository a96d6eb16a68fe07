#include "faults/fault_lab.hpp"

#include <iostream>
#include <sstream>

namespace mirrord::test {

void FaultLab::begin(const std::string& of_victim, const std::string& of_group,
                     const Environment& environment) {
  configure({.targets = {target_on("host1", "victim", of_victim), target_on("host2", "far"),
                         local_target("near")},
             .settings = std::string(kQuickRetry) + of_group});
  start({}, environment);
  ASSERT_TRUE(arrives("first sync", {"far", "near"}));
}

testing::AssertionResult FaultLab::others_go_on() {
  for (int i = 0; i < 3; ++i) {
    const std::string text = "edit " + std::to_string(++edits_) + "\n";
    write_file(images / "edited", text);
    const Stopwatch watch;
    for (const auto* other : {"near", "far"})
      if (auto result = holds(copy(other) / "images/edited", text); !result) return result;
    std::cout << "  the others: " << watch.elapsed().count() << " ms\n";
  }
  if (target_state("victim") != "idle") return testing::AssertionSuccess();
  return testing::AssertionFailure() << "the victim does not suffer";
}

testing::AssertionResult FaultLab::nothing_is_lost() {
  if (auto result = arrives("all of it, in the end", all, {.limit = milliseconds(60'000)}); !result)
    return result;
  for (const auto& target : all)
    if (auto result = target_becomes(target, "idle"); !result) return result;
  return testing::AssertionSuccess();
}

size_t FaultLab::memory() const {
  std::istringstream status(read_file("/proc/" + std::to_string(daemon->pid()) + "/status"));
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6)) / 1024;
  return 0;
}

}  // namespace mirrord::test
