// Histories by their seeds; see README.md for how one is played again, and shrunk.
#include <cstdlib>
#include <iostream>
#include <numeric>

#include "churn/play.hpp"
#include "churn/shrink.hpp"

namespace mirrord::test {
namespace {

constexpr size_t kOperations = 40;
/// A part of a history fails when one of so many attempts does: most faults are races.
constexpr int kAttempts = 3;
constexpr milliseconds kImpatience{8'000};

std::string setting(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value ? value : otherwise;
}

/// "7", or "1-50".
std::vector<unsigned> seeds() {
  const std::string text = setting("MIRRORD_CHURN_SEEDS", "1-50");
  const size_t dash = text.find('-');
  const auto first = static_cast<unsigned>(std::stoul(text));
  const auto last =
      dash == std::string::npos ? first : static_cast<unsigned>(std::stoul(text.substr(dash + 1)));
  std::vector<unsigned> all(last - first + 1);
  std::iota(all.begin(), all.end(), first);
  return all;
}

size_t rounds() { return std::stoul(setting("MIRRORD_CHURN_ROUNDS", "3")); }

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

/// What still fails in the same way.
History shortest(unsigned seed, const History& whole) {
  std::string problem;
  return shrink(whole, [&](const History& part) {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      const std::string found = first_line(Play(seed, kImpatience).play(part));
      if (problem.empty()) problem = found;
      if (found.empty() || found != problem) continue;
      std::cout << part.size() << " operations still fail: " << found << '\n' << std::flush;
      return true;
    }
    return false;
  });
}

class Churn : public Lab, public testing::WithParamInterface<unsigned> {};

TEST_P(Churn, CopiesEqualTheirSources) {
  const unsigned seed = GetParam();
  const History whole = history(seed, rounds(), kOperations);
  const bool shrinks = !setting("MIRRORD_CHURN_SHRINK", "").empty();
  if (shrinks) {
    const History part = shortest(seed, whole);
    FAIL() << "seed " << seed << ", shrunk:\n" << text_of(part);
  }
  Play play(seed);
  const std::string problem = play.play(whole);
  EXPECT_EQ(problem, "") << "seed " << seed << ":\n" << text_of(whole);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Churn, testing::ValuesIn(seeds()),
                         [](const auto& seed) { return std::to_string(seed.param); });

TEST(Shrink, KeepsWhatTheFailureNeeds) {
  std::vector<int> all(100);
  std::iota(all.begin(), all.end(), 0);
  const auto fails = [](const std::vector<int>& part) {
    return std::ranges::count(part, 17) == 1 && std::ranges::count(part, 83) == 1;
  };
  EXPECT_EQ(shrink(all, fails), (std::vector<int>{17, 83}));
}

}  // namespace
}  // namespace mirrord::test
