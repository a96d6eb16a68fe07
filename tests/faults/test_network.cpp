// The line to a target: bad, or cut, which nobody is told.
#include <algorithm>

#include "faults/fault_lab.hpp"
#include "support/network.hpp"

namespace mirrord::test {
namespace {

constexpr auto* kQuickTimeout = "rsync = { timeout = \"2s\" }";
constexpr auto* kQuickKeepAlive =
    "ssh = { connect_timeout = \"1s\", "
    "options = { ServerAliveInterval = 1, ServerAliveCountMax = 2 } }\n";

class FaultNetwork : public FaultLab {
 protected:
  void SetUp() override {
    FaultLab::SetUp();
    if (IsSkipped()) return;
    if (const auto reason = Network::unavailable()) GTEST_SKIP() << *reason;
    network_.emplace();
    server_with("host1", "", {network_->address(), network_->entering()});
  }

  /// Changes of every kind, in two directories and between them.
  void work(const std::string& text) const {
    for (int i = 0; i < 20; ++i) write_file(images / ("work" + std::to_string(i)), text);
    const fs::path moving = images / "moving", moved = cgi_bins / "moving";
    write_file(moving / text, text);
    fs::remove_all(moved);
    fs::rename(moving, moved);
    fs::remove(images / "work0");
  }

  testing::AssertionResult victim_fails() {
    if (wait_until([&] { return !last_error("victim").empty(); })) {
      std::cout << "  " << last_error("victim") << '\n';
      return testing::AssertionSuccess();
    }
    return testing::AssertionFailure() << "the victim is " << target_state("victim");
  }

  /// The ssh that holds the victim's connection.
  pid_t master() const {
    const auto found = children("-N -l " + login() + " -- " + network_->address());
    return found.size() == 1 ? found.front() : -1;
  }

  /// The line, on which `connection` was, is cut between two batches, and that is noticed.
  void cut_while_idle(pid_t& connection) {
    ASSERT_TRUE(nothing_is_lost());
    connection = master();
    ASSERT_GT(connection, 0);
    network_->cut();
    work("made while it is cut");
    ASSERT_TRUE(victim_fails());
  }

  bool is_being_received(const fs::path& name) const {
    const std::string begin = '.' + name.filename().native() + '.';
    const auto entries = fs::directory_iterator(copy("victim") / name.parent_path());
    return std::ranges::any_of(entries, [&](const fs::directory_entry& entry) {
      return entry.path().filename().native().starts_with(begin);
    });
  }

  std::optional<Network> network_;
};

TEST_F(FaultNetwork, LossAndDelayLoseNothing) {
  begin();
  ASSERT_TRUE(nothing_is_lost());
  network_->set({.loss = 0.3, .delay = milliseconds(150)});
  work("lost now and then");
  EXPECT_TRUE(others_go_on());
  EXPECT_TRUE(nothing_is_lost());
  EXPECT_GT(network_->lost(), 0u);
}

TEST_F(FaultNetwork, ALoginOverABadLine) {
  network_->set({.loss = 0.1, .delay = milliseconds(150)});
  begin();
  EXPECT_TRUE(others_go_on());
  EXPECT_TRUE(nothing_is_lost());
}

TEST_F(FaultNetwork, CutInTheMidstOfABatch) {
  begin("rsync = { timeout = \"2s\", bandwidth_limit = \"1M\", compress = false }",
        kQuickKeepAlive);
  ASSERT_TRUE(nothing_is_lost());
  const size_t memory_before = memory(), log_before = daemon->log().size();
  write_file(images / "long", std::string(3'000'000, 'x'));
  ASSERT_TRUE(wait_until([&] { return is_being_received("images/long"); }));
  network_->cut();
  work("made while it is cut");
  ASSERT_TRUE(victim_fails());
  EXPECT_TRUE(others_go_on());
  EXPECT_LE(memory(), memory_before + 64);
  EXPECT_LE(daemon->log().size(), log_before + 50'000);
  network_->restore();
  EXPECT_TRUE(nothing_is_lost());
}

TEST_F(FaultNetwork, CutBeforeTheFirstLogin) {
  network_->cut();
  begin(kQuickTimeout, "ssh = { connect_timeout = \"1s\" }\n");
  ASSERT_TRUE(victim_fails());
  EXPECT_TRUE(others_go_on());
  network_->restore();
  EXPECT_TRUE(nothing_is_lost());
}

TEST_F(FaultNetwork, CutWhileIdleUntilSshNotices) {
  begin(kQuickTimeout, kQuickKeepAlive);
  pid_t connection = -1;
  ASSERT_NO_FATAL_FAILURE(cut_while_idle(connection));
  ASSERT_TRUE(wait_until([&] { return !process_exists(connection); }));
  EXPECT_TRUE(others_go_on());
  network_->restore();
  EXPECT_TRUE(nothing_is_lost());
}

/// `timeout` is heard of long before ssh gives up, and then the connection is as good as before.
TEST_F(FaultNetwork, CutWhileIdleForAMoment) {
  begin(kQuickTimeout);
  pid_t connection = -1;
  ASSERT_NO_FATAL_FAILURE(cut_while_idle(connection));
  ASSERT_TRUE(wait_until([&] { return number("victim", "ConsecutiveFailures") > 1; }));
  EXPECT_TRUE(others_go_on());
  network_->restore();
  EXPECT_TRUE(nothing_is_lost());
  EXPECT_EQ(connection, master());
}

}  // namespace
}  // namespace mirrord::test
