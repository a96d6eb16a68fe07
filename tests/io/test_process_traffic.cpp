#include "io/process_traffic.hpp"

#include <gtest/gtest.h>
#include <utility>

#include "io/process.hpp"
#include "support/wait.hpp"

namespace mirrord {
namespace {

class ProcessTraffic : public testing::Test {
 protected:
  /// A shell whose child, cat(1), waits for its input.
  Process& start() {
    process.emplace(loop,
                    Command{.argv = {"/bin/sh", "-c", "cat >/dev/null; exit"},
                            .environment = {"PATH=/usr/bin:/bin"},
                            .user = std::nullopt,
                            .waits_for_input = true},
                    [](const ProcessResult&) {});
    return *process;
  }
  std::optional<uint64_t> moved_but_for(const std::string& program) const {
    return bytes_moved_by(process->pid(), program);
  }
  Loop loop;
  std::optional<Process> process;
};

TEST_F(ProcessTraffic, CountsItsDescendantsToo) {
  start();
  // Until both have read what they are made of.
  std::optional<uint64_t> before;
  ASSERT_TRUE(test::wait_until([&] {
    const auto last = std::exchange(before, moved_but_for("ssh"));
    return before && before == last && moved_but_for("ssh") > moved_but_for("cat");
  }));
  process->feed(std::string(50'000, 'x'));
  EXPECT_TRUE(test::wait_until([&] { return moved_but_for("ssh") != before; }));
}

TEST_F(ProcessTraffic, KnowsNothingOfOneThatIsNotThere) {
  EXPECT_EQ(bytes_moved_by(-1, ""), std::nullopt);
}

}  // namespace
}  // namespace mirrord
