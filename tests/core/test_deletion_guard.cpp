#include "core/deletion_guard.hpp"

#include <gtest/gtest.h>

namespace mirrord {
namespace {

Outcome counted(uint64_t extraneous, uint64_t entries) {
  Outcome outcome;
  outcome.extraneous = extraneous;
  outcome.entries = entries;
  return outcome;
}

TEST(DeletionGuard, HoldsWhatIsMoreThanTheLimit) {
  const MaxDelete half{std::nullopt, 50.0}, seven{7, std::nullopt}, off{std::nullopt, std::nullopt};
  const struct {
    const char* name;
    MaxDelete guard;
    uint64_t extraneous, entries;
    Verdict verdict;
  } cases[] = {
      {"half of the target", half, 50, 100, Verdict::withheld},
      {"more than half", half, 51, 100, Verdict::held},
      {"a mistyped destination", half, 999'990, 1'000'000, Verdict::held},
      {"one of one", half, 1, 1, Verdict::held},
      {"nobody knows how many there are", half, 1, 0, Verdict::held},
      {"seven", seven, 7, 8, Verdict::withheld},
      {"eight", seven, 8, 1000, Verdict::held},
      {"off", off, 1000, 1000, Verdict::withheld},
  };
  for (const auto& c : cases)
    EXPECT_EQ(judge_deletions(c.guard, false, counted(c.extraneous, c.entries)), c.verdict)
        << c.name;
}

TEST(DeletionGuard, AnEmptySourceJustifiesNoDeletion) {
  for (const MaxDelete& guard : {MaxDelete{1000, std::nullopt}, MaxDelete{}, MaxDelete{{}, {}}})
    EXPECT_EQ(judge_deletions(guard, true, counted(1, 1000)), Verdict::held);
}

}  // namespace
}  // namespace mirrord
