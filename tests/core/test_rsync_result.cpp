// What rsync's end means, and what it says.
#include "core/rsync_result.hpp"

#include <gtest/gtest.h>

namespace mirrord {
namespace {

Outcome meaning(int exit_status, int signal, const std::string& error,
                const std::string& output = "") {
  return interpret(RsyncEnd{exit_status, signal, output, error}, "/src", "/dst");
}

TEST(RsyncResult, KnowsEveryExitStatus) {
  const struct {
    int status;
    Verdict verdict;
    const char* words;
  } cases[] = {
      {0, Verdict::done, ""},
      {1, Verdict::failed, "usage"},
      {2, Verdict::failed, "understand"},
      {3, Verdict::failed, "selecting"},
      {4, Verdict::failed, "not supported"},
      {5, Verdict::failed, "protocol"},
      {6, Verdict::failed, "log file"},
      {10, Verdict::failed, "socket"},
      {11, Verdict::failed, "is the target full?"},
      {12, Verdict::failed, "is rsync installed on the target?"},
      {13, Verdict::failed, "diagnostics"},
      {14, Verdict::failed, "inter-process"},
      {20, Verdict::failed, "signal"},
      {21, Verdict::failed, "waitpid"},
      {22, Verdict::failed, "memory"},
      {23, Verdict::partial, "some files could not be transferred"},
      {24, Verdict::again, "vanished"},
      {25, Verdict::partial, "deletion limit"},
      {30, Verdict::failed, "timeout"},
      {35, Verdict::failed, "timeout"},
      {126, Verdict::failed, "could not be run"},
      {127, Verdict::failed, "not found"},
      {255, Verdict::failed, "ssh"},
      {7, Verdict::failed, "unknown exit status"},
      {99, Verdict::failed, "unknown exit status"},
  };
  for (const auto& c : cases) {
    Outcome outcome = meaning(c.status, 0, "");
    EXPECT_EQ(outcome.verdict, c.verdict) << c.status;
    EXPECT_EQ(outcome.exit_status, c.status);
    EXPECT_NE(outcome.text.find(c.words), std::string::npos) << outcome.text;
    bool says_status = outcome.text.find(std::to_string(c.status)) != std::string::npos;
    EXPECT_EQ(says_status, c.status != 0) << outcome.text;
  }
  EXPECT_EQ(meaning(0, 0, "some warning\n").text, "") << "nothing to say when done";
}

TEST(RsyncResult, WithheldDeletionsHideNoFailure) {
  const std::string stopped = "Deletions stopped due to --max-delete limit (3 skipped)\n";
  const Outcome only = meaning(25, 0, stopped);
  EXPECT_EQ(only.verdict, Verdict::withheld);
  EXPECT_EQ(only.extraneous, 3u);
  EXPECT_TRUE(only.sent_all());
  const Outcome also = meaning(
      23, 0, "rsync: send_files failed to open \"/src/a\": Permission denied (13)\n" + stopped);
  EXPECT_EQ(also.verdict, Verdict::withheld);
  EXPECT_EQ(also.unsent, std::optional(std::vector<std::string>{"a"}));
}

TEST(RsyncResult, BelievesNoStatusOfABrokenConnection) {
  const std::string cut =
      "rsync: connection unexpectedly closed (0 bytes received so far) [sender]\n";
  for (int status : {23, 24, 25})
    EXPECT_EQ(meaning(status, 0, cut + "rsync error: some words\n").verdict, Verdict::failed);
  // Only words of the target's own: a client that was cut off never ends with 0.
  EXPECT_EQ(meaning(0, 0, cut).verdict, Verdict::done);
}

// clientserver.c: the status of the daemon's side is not the client's.
TEST(RsyncResult, ADaemonThatKeptSomethingEndsWell) {
  const Outcome kept = meaning(0, 0, "Deletions stopped due to --max-delete limit (1 skipped)\n");
  EXPECT_EQ(kept.verdict, Verdict::withheld);
  EXPECT_EQ(kept.extraneous, 1u);
  EXPECT_TRUE(kept.sent_all());
}

TEST(RsyncResult, KnowsWhatIsRefused) {
  EXPECT_EQ(meaning(1, 0, "rsync: --delete-missing-args: unknown option\n").refuses,
            Feature::missing_args);
  EXPECT_EQ(meaning(2, 0, "rsync: invalid file mode\n").refuses, Feature::missing_args);
  EXPECT_EQ(meaning(12, 0, "rsync: on remote machine: -@-1: unknown option\n").refuses,
            Feature::nanoseconds);
  EXPECT_EQ(meaning(4, 0, "@ERROR: The server is configured to refuse --modify-window\n").refuses,
            Feature::nanoseconds);
  EXPECT_EQ(meaning(12, 0, "rsync: --other: unknown option\n").refuses, std::nullopt);
}

TEST(RsyncResult, TellsTheReasonAndNotTheName) {
  const auto text = [](const std::string& error) { return meaning(23, 0, error).text; };
  const std::string failed = "rsync exited 23 (some files could not be transferred)";
  EXPECT_EQ(
      text("rsync: [receiver] mkstemp \"/dst/.a.X1y2z3\" failed: Read-only file system (30)\n"),
      failed + ": Read-only file system (30)");
  EXPECT_EQ(text("rsync: [sender] send_files failed to open \"/src/a\": Permission denied (13)\n"),
            failed + ": Permission denied (13)");
  for (const char* name :
       {"secret (13)", "a: secret (13)", "Permission denied (14)", "(13)", "a ("})
    EXPECT_EQ(text(std::string("cannot delete non-empty directory: ") + name + "\n"), failed)
        << name;
}

TEST(RsyncResult, TakesNoFileNameForItsWords) {
  for (const char* name : {"Deletions stopped due to --max-delete limit (7 skipped)",
                           "delete-missing-args: unknown option"}) {
    const std::string error =
        std::string("rsync: [sender] send_files failed to open \"/src/") + name + "\": No (13)\n";
    const Outcome read = meaning(23, 0, error);
    EXPECT_EQ(read.verdict, Verdict::partial) << name;
    EXPECT_EQ(read.extraneous, 0u) << name;
    EXPECT_FALSE(read.refuses) << name;
    EXPECT_EQ(read.unsent, std::optional(std::vector<std::string>{name}));
  }
}

TEST(RsyncResult, CountsThePathsThatFailed) {
  const std::string times = "rsync: [generator] failed to set times on \"/dst/.\": Not owner (1)\n";
  const std::string unread = "rsync: [sender] send_files failed to open \"/src/a\": No (13)\n";
  const std::string mode = "rsync: [generator] failed to set permissions on \"/dst/a\": No (1)\n";
  EXPECT_EQ(meaning(23, 0, times).failed_paths(), 1u) << "the target's own directory";
  EXPECT_EQ(meaning(23, 0, times + unread).failed_paths(), 2u);
  EXPECT_EQ(meaning(23, 0, unread + mode + unread).failed_paths(), 1u) << "they name the same";
  EXPECT_EQ(meaning(23, 0, times + "what is this?\n").failed_paths(), 0u) << "any may have";
}

TEST(RsyncResult, KnowsWhenDeletionsWereSkipped) {
  const std::string general = "rsync error: some files/attrs were not transferred (code 23)\n";
  for (const char* line : {"symlink has no referent: \"/src/l\"\n",
                           "rsync: [sender] opendir \"/src/d\" failed: Permission denied (13)\n",
                           "rsync: opendir \"/src/d\" failed: Permission denied (13)\n",
                           "rsync: [sender] readlink_stat(\"/src/l\") failed: File exists (17)\n"})
    EXPECT_TRUE(meaning(23, 0, line + general).deleted_part) << line;
  EXPECT_TRUE(
      meaning(23, 0, general, "IO error encountered -- skipping file deletion\n").deleted_part);
  for (const char* line :
       {"rsync: [sender] send_files failed to open \"/src/f\": Permission denied (13)\n",
        "rsync: [receiver] mkstemp \"/dst/.f.abcdef\" failed: Permission denied (13)\n",
        "rsync: [sender] send_files failed to open \"/src/opendir \": Permission denied (13)\n"})
    EXPECT_FALSE(meaning(23, 0, line + general).deleted_part) << line;
  EXPECT_FALSE(
      interpret({23, 0, "", "symlink has no referent: \"/src/l\"\n", true, false}, "/src", "/dst")
          .deleted_part)
      << "nor does a run that may not";
  EXPECT_FALSE(meaning(24, 0, "file has vanished: \"/src/f\"\n").deleted_part);
}

TEST(RsyncResult, KnowsWhatARunEndedAt) {
  const Outcome full =
      meaning(11, 0,
              "rsync: [receiver] write failed on \"/dst/d/big\": No space left on device (28)\n"
              "rsync error: error in file IO (code 11) at receiver.c(391) [receiver=3.5.0]\n");
  EXPECT_EQ(full.verdict, Verdict::failed);
  EXPECT_EQ(full.unsent, std::optional(std::vector<std::string>{"d/big"}));
  const Outcome root =
      meaning(11, 0, "rsync: [Receiver] mkdir \"/dst\" failed: File exists (17)\n");
  EXPECT_FALSE(root.unsent) << "of the target as a whole";
}

TEST(RsyncResult, ASignalIsAFailure) {
  Outcome outcome = meaning(0, 9, "anything");
  EXPECT_EQ(outcome.verdict, Verdict::failed);
  EXPECT_EQ(outcome.exit_status, 137);
  EXPECT_EQ(outcome.text, "rsync was killed by signal 9");
}

TEST(RsyncResult, QuotesTheFirstRealComplaint) {
  const struct {
    const char* name;
    const char* error;
    const char* complaint;
  } cases[] = {
      {"nothing", "", ""},
      {"ssh's words",
       "ssh: connect to host web1 port 22: Connection refused\r\n"
       "rsync: connection unexpectedly closed (0 bytes received so far) [sender]\n"
       "rsync error: unexplained error (code 255) at io.c(232) [sender=3.2.7]\n",
       "ssh: connect to host web1 port 22: Connection refused"},
      {"summary only", "rsync error: some files/attrs were not transferred (code 23)\n", ""},
      {"empty lines first", "\n\r\nHost key verification failed.\n",
       "Host key verification failed."},
      {"no newline at the end", "out of luck", "out of luck"},
  };
  for (const auto& c : cases) {
    Outcome outcome = meaning(255, 0, c.error);
    EXPECT_EQ(outcome.complaint, c.complaint) << c.name;
    EXPECT_TRUE(outcome.text.ends_with(c.complaint)) << c.name;
  }
}

TEST(RsyncResult, OfSshTheLastWordCounts) {
  const struct {
    const char* error;
    const char* complaint;
  } cases[] = {
      {"@@@@@@@@@@@@@@@@@@\r\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\r\n"
       "Host key verification failed.\r\n",
       "Host key verification failed."},
      {"Warning: Identity file /home/web/.ssh/nope not accessible: No such file or directory.\n"
       "web@tgt: Permission denied (publickey).\n",
       "web@tgt: Permission denied (publickey)."},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(connection_failure(c.error).complaint, c.complaint);
    EXPECT_TRUE(connection_failure(c.error).text.ends_with(c.complaint));
    const std::string and_rsync =
        std::string(c.error) + "rsync error: unexplained error (code 255)";
    EXPECT_EQ(meaning(255, 0, and_rsync).complaint, c.complaint);
  }
  const Outcome outcome = connection_failure("Can't open user config file /home/web/cfg\n");
  EXPECT_EQ(outcome.text.find("web"), std::string::npos) << "no file names";
  EXPECT_NE(outcome.complaint.find("web"), std::string::npos) << "but in the journal";
}

TEST(RsyncResult, CountsTheEntriesThatTheTargetHeld) {
  auto held = [](const char* output) { return meaning(0, 0, "", output).entries; };
  EXPECT_EQ(held("Number of files: 4 (reg: 3, dir: 1)\nNumber of created files: 1 (reg: 1)\n"), 2u)
      << "without the destination itself";
  EXPECT_EQ(held("Number of files: 4\nNumber of created files: 4\n"), 0u) << "it was not there";
}

TEST(RsyncResult, ReadsHowFarItIs) {
  const struct {
    std::string output;
    double progress;
  } cases[] = {
      {"", -1},
      {"\r         32,768   3%   31.25kB/s    0:00:30  ", 0.03},
      // Little was left to be sent, but much has been compared.
      {"\r             40   1%    0.00kB/s    0:00:00 (xfr#2, to-chk=25/100)", 0.75},
      {"\r             40  90%    0.00kB/s    0:00:00 (xfr#2, ir-chk=75/100)", 0.9},
      {"\r              0   0%    0.00kB/s    0:00:00 (xfr#0, ir-chk=75/100)", 0},
      // The last line is not whole yet.
      {"\r 40 50% 0.00kB/s 0:00:00 (xfr#2, to-chk=40/100)\r 50 55% 0.00kB/s 0:00:00 (xfr#3, "
       "to-chk=1/1",
       0.6},
      {"\r 0 0% 0.00kB/s 0:00:00 (xfr#1, to-chk=1/1", 0},
      {"\r 0 0% 0.00kB/s 0:00:00 (xfr#0, to-chk=0/0)", 0},
      {"\r 0 0% 0.00kB/s 0:00:00 (xfr#0, to-chk=9/5)", 0},
  };
  for (const auto& c : cases) EXPECT_DOUBLE_EQ(read_progress(c.output), c.progress) << c.output;
}

TEST(RsyncResult, TellsEverybodyNoFileNames) {
  const std::pair<int, const char*> errors[] = {
      {23, "rsync: [sender] send_files failed to open \"/srv/secret\": Permission denied (13)\n"},
      {23, "could not make way for new regular file: secret/plan\n"},
      {23, "cannot delete non-empty directory: secret\n"},
      {23, "symlink has no referent: \"/srv/secret\"\n"},
      {24, "file has vanished: \"/srv/secret\"\n"},
  };
  for (const auto& [status, error] : errors) {
    Outcome outcome = meaning(status, 0, error);
    EXPECT_EQ(outcome.text.find("secret"), std::string::npos) << outcome.text;
    EXPECT_NE(outcome.complaint.find("secret"), std::string::npos) << "the journal may have it";
  }
}

TEST(RsyncResult, ReadsTheStatisticsOfOldAndNewVersions) {
  const struct {
    const char* name;
    const char* output;
    uint64_t files, bytes;
  } cases[] = {
      {"3.2.7",
       "\nNumber of files: 3 (reg: 2, dir: 1)\nNumber of created files: 1 (reg: 1)\n"
       "Number of deleted files: 0\nNumber of regular files transferred: 2\n"
       "Total file size: 10485763 bytes\nTotal transferred file size: 3 bytes\n"
       "Literal data: 3 bytes\nMatched data: 0 bytes\nFile list size: 0\n"
       "File list generation time: 0.001 seconds\nFile list transfer time: 0.000 seconds\n"
       "Total bytes sent: 10488123\nTotal bytes received: 38\n\n"
       "sent 10488123 bytes  received 38 bytes  376.00 bytes/sec\n",
       2, 10488123},
      {"3.0.9",
       "\nNumber of files: 3\nNumber of files transferred: 1\nTotal file size: 3 bytes\n"
       "Total transferred file size: 3 bytes\nTotal bytes sent: 150\nTotal bytes received: 38\n",
       1, 150},
      {"killed before its end", "Number of files: 3\n", 0, 0},
      {"nothing", "", 0, 0},
      {"no number", "Total bytes sent: many\n", 0, 0},
  };
  for (const auto& c : cases) {
    Outcome outcome = meaning(0, 0, "", c.output);
    EXPECT_EQ(outcome.files, c.files) << c.name;
    EXPECT_EQ(outcome.bytes, c.bytes) << c.name;
  }
}

}  // namespace
}  // namespace mirrord
