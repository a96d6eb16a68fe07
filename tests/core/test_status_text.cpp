#include "core/status_text.hpp"

#include <gtest/gtest.h>

namespace mirrord {
namespace {

constexpr uint64_t kSecond = 1'000'000;
constexpr uint64_t kNow = 1'800'000'000 * kSecond;

TargetStatus target(const std::string& name, TargetState state) {
  TargetStatus target;
  target.group = "web";
  target.name = name;
  target.state = state;
  target.last_sync_usec = kNow - 3 * kSecond;
  return target;
}

Status story() {
  Status status;
  GroupStatus web{"web", "/srv/www", "/srv/releases/42", GroupState::watching, "", 12345, 1, {}};
  TargetStatus good = target("tgt1.host.local", TargetState::idle);
  good.files_sent = 12;
  good.bytes_sent = 1'234'567;
  TargetStatus bad = target("tgt2", TargetState::retrying);
  bad.pending = 1200;
  bad.full_pending = true;
  bad.oldest_pending_usec = kNow - 303 * kSecond;
  bad.last_sync_usec = kNow - 7'200 * kSecond;
  bad.last_error = "rsync exited 255 (ssh could not connect or was cut off)";
  bad.consecutive_failures = 4;
  bad.next_attempt_usec = kNow + 8 * kSecond;
  status.groups = {web};
  status.targets = {good, bad};
  return status;
}

std::string line_of(const TargetStatus& of) {
  Status status;
  status.groups = {{"web", "/srv", "/srv", GroupState::watching, "", 0, 0, {}}};
  status.targets = {of};
  std::string text = status_text(status, {kNow, false});
  return text.substr(text.find('\n') + 1);
}

TEST(StatusText, WhatDoesNotFitIsCounted) {
  EXPECT_EQ("a\nb\nc\n", fitting("a\nb\nc\n", 3));
  EXPECT_EQ("a\n... 2 more lines\n", fitting("a\nb\nc\n", 2));
  EXPECT_EQ("... 3 more lines\n", fitting("a\nb\nc\n", 1));
  EXPECT_EQ("", fitting("", 1));
}

TEST(StatusText, OneLinePerGroupAndTargetAndTheReason) {
  EXPECT_EQ(
      "web  watching  /srv/www -> /srv/releases/42, 12,345 directories watched, 1 link followed\n"
      "  tgt1.host.local  idle      pending 0                  lag -          last sync 3 s ago"
      "  sent 12 files, 1.2 MB\n"
      "  tgt2             retrying  pending 1,200 + full sync  lag 5 min 3 s  last sync 2 h ago"
      "  sent 0 files, 0 B\n"
      "    error: rsync exited 255 (ssh could not connect or was cut off) (4 times in a row);"
      " next try in 8 s\n",
      status_text(story(), {kNow, false}));
}

TEST(StatusText, GroupsStandApartAndTellTheirProblem) {
  Status status;
  status.groups = {{"a", "/a", "/a", GroupState::watching, "", 1, 0, {}},
                   {"b", "/b", "", GroupState::source_missing, "the source is missing", 0, 2, {}}};
  EXPECT_EQ(
      "a  watching  /a, 1 directory watched, 0 links followed\n"
      "\n"
      "b  source-missing  /b, 0 directories watched, 2 links followed\n"
      "    problem: the source is missing\n",
      status_text(status, {kNow, false}));
}

TEST(StatusText, NothingToShowIsNothing) { EXPECT_EQ("", status_text({}, {kNow, true})); }

TEST(StatusText, NeverSynced) {
  TargetStatus fresh = target("t", TargetState::syncing);
  fresh.last_sync_usec = 0;
  fresh.full_pending = true;
  fresh.oldest_pending_usec = kNow - kSecond / 2;
  EXPECT_EQ("  t  syncing  pending full sync  lag 500 ms  last sync never  sent 0 files, 0 B\n",
            line_of(fresh));
}

TEST(StatusText, ProgressOfAFullSync) {
  TargetStatus running = target("t", TargetState::syncing);
  running.full_pending = true;
  running.progress = 0.456;
  EXPECT_TRUE(line_of(running).starts_with("  t  syncing  pending full sync 45 %  lag -"));
  Status status;
  status.groups = {{"web", "/srv", "/srv", GroupState::watching, "", 0, 0, {}}};
  status.targets = {running};
  EXPECT_TRUE(status_text(status, {kNow, false, 10}).ends_with("\n    [####......] 45 %\n"));
  status.targets[0].progress = -1;
  EXPECT_EQ(std::string::npos, status_text(status, {kNow, false, 10}).find('['));
}

TEST(StatusText, FailedTargetBeingTriedAgain) {
  TargetStatus again = target("t", TargetState::syncing);
  again.last_error = "it broke";
  again.consecutive_failures = 1;
  EXPECT_EQ(
      "  t  syncing  pending 0  lag -  last sync 3 s ago  sent 0 files, 0 B\n"
      "    error: it broke; trying again now\n",
      line_of(again));
}

TEST(StatusText, TimesOfAnotherHostsClockAreNotNegative) {
  TargetStatus ahead = target("t", TargetState::retrying);
  ahead.last_error = "it broke";
  ahead.oldest_pending_usec = ahead.last_sync_usec = kNow + 60 * kSecond;
  ahead.next_attempt_usec = kNow - 60 * kSecond;
  EXPECT_EQ(
      "  t  retrying  pending 0  lag 0 ms  last sync just now  sent 0 files, 0 B\n"
      "    error: it broke; next try now\n",
      line_of(ahead));
}

TEST(StatusText, ColumnsAlignByCharactersNotBytes) {
  Status status = story();
  status.targets[0].name = "Zürich";
  status.targets[1] = target("London", TargetState::idle);
  std::string text = status_text(status, {kNow, false});
  EXPECT_NE(std::string::npos, text.find("  Zürich  idle"));
  EXPECT_NE(std::string::npos, text.find("  London  idle"));
}

TEST(StatusText, ColoursLeaveTheWidthsAlone) {
  Status status = story();
  std::string text = status_text(status, {kNow, true});
  EXPECT_TRUE(text.starts_with("\033[1mweb\033[0m  \033[32mwatching\033[0m  /srv/www"));
  EXPECT_NE(std::string::npos, text.find("  \033[32midle\033[0m      pending 0"));
  EXPECT_NE(std::string::npos, text.find("  \033[31mretrying\033[0m  pending 1,200"));
  status.targets[0].state = TargetState::settling;
  EXPECT_NE(std::string::npos, status_text(status, {kNow, true}).find("\033[33msettling\033[0m"));
}

TEST(HumanDuration, TwoUnitsAtMost) {
  struct Row {
    uint64_t usec;
    const char* text;
  };
  constexpr Row kRows[] = {{0, "0 ms"},
                           {120'999, "120 ms"},
                           {kSecond, "1 s"},
                           {59 * kSecond + 999'999, "59 s"},
                           {60 * kSecond, "1 min"},
                           {303 * kSecond, "5 min 3 s"},
                           {3'600 * kSecond, "1 h"},
                           {7'500 * kSecond, "2 h 5 min"},
                           {86'400 * kSecond, "1 d"},
                           {187'200 * kSecond, "2 d 4 h"}};
  for (const Row& row : kRows) EXPECT_EQ(row.text, human_duration(row.usec)) << row.usec;
}

TEST(HumanBytes, ThousandsOfThousands) {
  EXPECT_EQ("0 B", human_bytes(0));
  EXPECT_EQ("999 B", human_bytes(999));
  EXPECT_EQ("1.0 kB", human_bytes(1'000));
  EXPECT_EQ("999.9 kB", human_bytes(999'949));
  EXPECT_EQ("1.0 MB", human_bytes(999'950));
  EXPECT_EQ("1.2 MB", human_bytes(1'234'567));
  EXPECT_EQ("18.4 EB", human_bytes(UINT64_MAX));
}

TEST(HumanNumber, GroupsOfThreeDigits) {
  EXPECT_EQ("0", human_number(0));
  EXPECT_EQ("999", human_number(999));
  EXPECT_EQ("1,000", human_number(1'000));
  EXPECT_EQ("1,234,567", human_number(1'234'567));
}

}  // namespace
}  // namespace mirrord
