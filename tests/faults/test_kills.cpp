// kill -9, at random moments, of whatever takes part: two hundred rounds in ten tests.
#include <signal.h>

#include <random>

#include "faults/fault_lab.hpp"

namespace mirrord::test {
namespace {

constexpr int kTests = 10;
constexpr int kRounds = 20;

class Kills : public FaultLab, public testing::WithParamInterface<int> {
 protected:
  unsigned below(size_t limit) { return static_cast<unsigned>(random_() % limit); }

  /// Something that changes, for the kill to meet.
  void work(int round) {
    for (unsigned i = 0; i < 1 + below(20); ++i)
      write_file(images / ("burst" + std::to_string(below(30))),
                 std::string(below(200'000), static_cast<char>('a' + round % 26)));
    const fs::path moving = source / "moving", moved = cgi_bins / "moved";
    fs::rename(fs::exists(moving) ? moving : moved, fs::exists(moving) ? moved : moving);
    fs::remove(images / ("burst" + std::to_string(below(30))));
  }

  void kill_one() {
    std::vector<pid_t> pids = descendants(daemon->pid());
    for (const auto* host : {"host1", "host2"}) {
      const auto sessions = descendants(server(host).pid());
      pids.insert(pids.end(), sessions.begin(), sessions.end());
    }
    if (pids.empty() || below(8) == 0) {
      daemon->signal(SIGKILL);
      start();
    } else {
      ::kill(pids[below(pids.size())], SIGKILL);
    }
  }

  std::minstd_rand random_;
};

TEST_P(Kills, LoseNothing) {
  write_file(source / "moving/file", "here and there\n");
  const unsigned seed = std::random_device()();
  random_.seed(seed);
  SCOPED_TRACE("seed " + std::to_string(seed));
  begin("", "delay = \"0s\"\nmax_delete = \"off\"\n");
  for (int round = 0; round < kRounds; ++round) {
    work(round);
    // The moment is the point: in the midst of whatever the work has begun.
    std::this_thread::sleep_for(milliseconds(below(80)));
    kill_one();
    if (round % 10 != 9) continue;
    ASSERT_TRUE(nothing_is_lost()) << "round " << round;
  }
}

INSTANTIATE_TEST_SUITE_P(TwentyRounds, Kills, testing::Range(0, kTests));

}  // namespace
}  // namespace mirrord::test
