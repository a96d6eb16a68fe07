#include "core/open_files.hpp"

#include <gtest/gtest.h>

namespace mirrord {
namespace {

using namespace std::chrono_literals;

using Paths = std::vector<std::string>;

Instant at(Duration since_start) { return Instant(1h + since_start); }

/// Paths that were waited for long enough.
Paths due(OpenFiles& files, Instant now) {
  Paths paths;
  for (const OpenFiles::File& file : files.take_due(now)) paths.push_back(file.path);
  return paths;
}

TEST(OpenFiles, HoldsWhatIsNewUntilItIsSettled) {
  OpenFiles files;
  files.modified("old", Instant{}, Instant{} + 1s);
  files.created("new", Instant{}, Instant{} + 1s);
  EXPECT_TRUE(files.holds_new("new"));
  EXPECT_FALSE(files.holds_new("old"));
  EXPECT_FALSE(files.holds_new("another"));
  files.settled("new");
  EXPECT_FALSE(files.holds_new("new"));
}

TEST(OpenFiles, GivesNothingWhileEmpty) {
  OpenFiles files;
  EXPECT_EQ(files.next_deadline(), std::nullopt);
  EXPECT_EQ(due(files, at(1h)), Paths{});
}

TEST(OpenFiles, WaitsForTheDeadlineAndNoLonger) {
  OpenFiles files;
  files.created("log", at(0s), at(5s));
  EXPECT_EQ(files.next_deadline(), at(5s));
  EXPECT_EQ(due(files, at(4999ms)), Paths{});
  EXPECT_EQ(due(files, at(5s)), Paths{"log"});
  EXPECT_EQ(files.size(), 0u);
  EXPECT_EQ(due(files, at(6s)), Paths{}) << "told once";
}

TEST(OpenFiles, DropsWhatItsOwnChangeReports) {
  OpenFiles files;
  files.created("a", at(0s), at(5s));
  files.created("b", at(0s), at(6s));
  files.settled("a");
  EXPECT_EQ(files.next_deadline(), at(6s));
  files.settled("never seen");
  EXPECT_EQ(due(files, at(10s)), Paths{"b"});
}

TEST(OpenFiles, KeepsTheFirstDeadline) {
  OpenFiles files;
  files.created("a", at(0s), at(5s));
  files.created("a", at(0s), at(9s));
  EXPECT_EQ(files.next_deadline(), at(5s));
  EXPECT_EQ(due(files, at(5s)), Paths{"a"});
  EXPECT_EQ(files.next_deadline(), std::nullopt);
}

TEST(OpenFiles, GivesInOrderOfDeadlines) {
  OpenFiles files;
  files.created("late", at(0s), at(3s));
  files.created("z", at(0s), at(1s));
  files.created("a", at(0s), at(1s));
  files.created("later", at(0s), at(4s));
  EXPECT_EQ(due(files, at(3s)), (Paths{"a", "z", "late"}));
  EXPECT_EQ(files.size(), 1u);
}

TEST(OpenFiles, TakesAFileAgainAfterItSettled) {
  OpenFiles files;
  files.created("a", at(0s), at(1s));
  files.settled("a");
  files.created("a", at(0s), at(7s));
  EXPECT_EQ(files.next_deadline(), at(7s));
}

TEST(OpenFiles, TellsCreatedFilesFromModifiedOnes) {
  OpenFiles files;
  files.created("new", at(0s), at(5s));
  files.modified("new", at(0s), at(1s));
  files.modified("old", at(0s), at(1s));
  EXPECT_EQ(files.take_due(at(1s)), (std::vector<OpenFiles::File>{{"old", false, at(0s)}}));
  EXPECT_EQ(files.take_due(at(5s)), (std::vector<OpenFiles::File>{{"new", true, at(0s)}}));
}

}  // namespace
}  // namespace mirrord
