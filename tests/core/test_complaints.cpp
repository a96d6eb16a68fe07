// Words of real rsyncs, 3.0.9 to 3.5, and the paths in them.
#include "core/complaints.hpp"

#include <gtest/gtest.h>

namespace mirrord {
namespace {

using Paths = std::optional<std::vector<std::string>>;

Paths paths(const std::string& error) {
  const auto complaints = read_complaints(error, "/src", "/dst/www");
  return complaints ? Paths(complaints->paths) : std::nullopt;
}

TEST(Complaints, NameTheirPath) {
  const std::pair<const char*, const char*> cases[] = {
      {"rsync: [sender] send_files failed to open \"/src/a/b\": Permission denied (13)", "a/b"},
      {"rsync: send_files failed to open \"/src/a\": Permission denied (13)", "a"},
      {"rsync: [sender] link_stat \"/src/./a\" failed: No such file or directory (2)", "a"},
      {"rsync: link_stat \"/src/a b\" failed: No such file or directory (2)", "a b"},
      {"file has vanished: \"/src/a\"", "a"},
      {"rsync: [sender] readlink_stat(\"/src/l\") failed: Too many levels of symbolic links (40)",
       "l"},
      {"symlink has no referent: \"/src/l\"", "l"},
      {"rsync: [sender] opendir \"/src/d\" failed: Permission denied (13)", "d"},
      {"rsync: [sender] read errors mapping \"/src/f\": Input/output error (5)", "f"},
      {"rsync: [generator] recv_generator: mkdir \"/dst/www/d\" failed: No space left on device "
       "(28)",
       "d"},
      {"rsync: [receiver] mkstemp \"/dst/www/d/.f.h3kXyZ\" failed: Permission denied (13)", "d/f"},
      {"rsync: mkstemp \"/dst/www/.f.h3kXyZ\" failed: Read-only file system (30)", "f"},
      {"rsync: [receiver] rename \"/dst/www/.f.h3kXyZ\" -> \"f\": Is a directory (21)", "f"},
      {"rsync: [generator] symlink \"/dst/www/l\" -> \"there\" failed: Permission denied (13)",
       "l"},
      {"could not make way for new regular file: a/b", "a/b"},
      {"cannot delete non-empty directory: d", "d"},
      {"skipping non-regular file \"fifo\"", "fifo"},
      {"rsync: [sender] send_files failed to open \"/src/new\\#012line\": Permission denied (13)",
       "new\nline"},
      {"rsync: send_files failed to open \"/src/\\#303\\#251\": Permission denied (13)",
       "\xc3\xa9"},
      {"rsync: send_files failed to open \"/src/a\\#b\": Permission denied (13)", "a\\#b"},
  };
  for (const auto& [line, path] : cases)
    EXPECT_EQ(paths(std::string(line) + '\n'), Paths({path})) << line;
}

TEST(Complaints, OfOnePathCountOnce) {
  std::string error;
  for (int i = 0; i < 3; ++i) error += "rsync: opendir \"/src/d\" failed: Permission denied (13)\n";
  EXPECT_EQ(paths(error), (std::vector<std::string>{"d"}));
}

TEST(Complaints, ALineThatIsNotUnderstoodMeansAnyPath) {
  for (const char* line : {
           "IO error encountered -- skipping file deletion",
           "rsync: [receiver] write failed on \"/elsewhere/f\": No space left on device (28)",
           "rsync: send_files failed to open \"/src/a\"b\": Permission denied (13)",
           "Welcome to this host",
           "ERROR: out of memory",
           "rsync: \"",
           // Nor is what rsync never says, but a target may.
           "rsync: [receiver] mkstemp \"/dst/www/../../etc/x\" failed: Permission denied (13)",
           "rsync: [receiver] mkstemp \"/dst/www//x\" failed: Permission denied (13)",
           "cannot delete non-empty directory: ../x",
           "cannot delete non-empty directory: a/..",
       })
    EXPECT_EQ(paths(std::string("file has vanished: \"/src/a\"\n") + line + '\n'), std::nullopt)
        << line;
  EXPECT_EQ(paths(""), std::nullopt) << "an error without words";
}

TEST(Complaints, AttributesAreOnesOfTheirOwn) {
  const std::pair<const char*, const char*> cases[] = {
      {"rsync: [generator] failed to set times on \"/dst/www/.\": Operation not permitted (1)", ""},
      {"rsync: failed to set permissions on \"/dst/www/d\": Operation not permitted (1)", "d"},
      {"rsync: [generator] chgrp \"/dst/www/x\" failed: Operation not permitted (1)", "x"},
      {"rsync: [receiver] chown \"/dst/www/d/.f.h3kXyZ\" failed: Operation not permitted (1)",
       "d/f"},
  };
  for (const auto& [line, path] : cases) {
    const auto complaints = read_complaints(std::string(line) + '\n', "/src", "/dst/www");
    EXPECT_EQ(complaints, std::optional(Complaints{{}, {path}})) << line;
  }
}

TEST(Complaints, ASourceThatFailedMeansAnyPath) {
  EXPECT_EQ(paths("rsync: [sender] change_dir \"/src\" failed: No such file or directory (2)\n"),
            std::nullopt);
}

TEST(Complaints, SummariesSayNothingNew) {
  EXPECT_EQ(paths("rsync: [sender] send_files failed to open \"/src/a\": Permission denied (13)\n"
                  "file has vanished: \"/src/b\"\n"
                  "*** Skipping any contents from this failed directory ***\n"
                  "rsync warning: some files vanished before they could be transferred (code 24)\n"
                  "rsync error: some files/attrs were not transferred (code 23) at main.c(1338)"),
            Paths({"a", "b"}));
  EXPECT_EQ(paths("rsync error: some files/attrs were not transferred (code 23)\n"), std::nullopt);
}

}  // namespace
}  // namespace mirrord
