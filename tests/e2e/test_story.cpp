// The main job: what is done to the source, by either path, is soon so on both targets.
#include <sys/stat.h>

#include <functional>

#include "e2e/lab.hpp"

namespace mirrord::test {
namespace {

class Story : public Lab {
 protected:
  void SetUp() override {
    Lab::SetUp();
    if (IsSkipped()) return;
    make_story();
    configure({.targets = {ssh_target("tgt1"), ssh_target("tgt2")}});
    start();
    ASSERT_TRUE(arrives("first sync", both));
  }

  struct Step {
    const char* what;
    std::function<void()> change;
  };

  void play(const std::vector<Step>& steps) {
    for (const auto& [what, change] : steps) {
      change();
      ASSERT_TRUE(arrives(what, both));
    }
  }

  const std::vector<std::string> both{"tgt1", "tgt2"};
  const fs::path linked_images = source / "images";
  const fs::path linked_cgi_bins = source / "cgi-bins";
};

TEST_F(Story, FilesAreWrittenThroughBothPaths) {
  play({
      {"create in the source", [&] { write_file(source / "about.html", "about\n"); }},
      {"create through the link", [&] { write_file(linked_images / "a.png", "one\n"); }},
      {"create through the real path", [&] { write_file(images / "b.png", "two\n"); }},
      {"create an empty file", [&] { write_file(images / "empty", ""); }},
      {"rewrite through the link", [&] { write_file(linked_images / "b.png", "longer\n"); }},
      {"rewrite through the real path", [&] { write_file(images / "a.png", "also longer\n"); }},
      {"append through the link", [&] { append_file(linked_images / "a.png", "more\n"); }},
      {"append through the real path", [&] { append_file(images / "a.png", "more\n"); }},
      {"delete through the link", [&] { fs::remove(linked_images / "a.png"); }},
      {"delete through the real path", [&] { fs::remove(images / "b.png"); }},
  });
}

TEST_F(Story, SameSizeWithinTheSameSecondIsSent) {
  write_file(images / "counter", "1");
  ASSERT_TRUE(arrives("create", both));
  for (const auto* digit : {"2", "3", "4", "5"}) {
    write_file(images / "counter", digit);
    ASSERT_TRUE(arrives(std::string("rewrite as ") + digit, both));
  }
}

TEST_F(Story, AttributesFollow) {
  play({
      {"chmod through the link", [&] { change_mode(linked_cgi_bins / "counter.cgi", 0700); }},
      {"chmod through the real path", [&] { change_mode(cgi_bins / "counter.cgi", 0755); }},
      {"chmod of a directory", [&] { change_mode(images / "icons", 0750); }},
      {"chmod of a linked directory", [&] { change_mode(images, 0711); }},
      {"chmod of the source itself", [&] { change_mode(source, 0750); }},
      {"older time through the link",
       [&] {
         run_ok({"touch", "-d", "@1000000000", linked_images / "logo.png"});
       }},
      {"older time through the real path",
       [&] {
         run_ok({"touch", "-d", "@1000000001", images / "icons/home.png"});
       }},
      {"older time of a directory",
       [&] {
         run_ok({"touch", "-d", "@1000000002", images});
       }},
  });
}

// Of these the kernel says IN_MODIFY and nothing else: no IN_CLOSE_WRITE, because nobody opened the
// file, and no IN_ATTRIB, which it keeps for changes of both times.
TEST_F(Story, ChangesWithoutOpeningAreSeen) {
  play({
      {"truncate by path", [&] { fs::resize_file(images / "logo.png", 3); }},
      {"only the modification time",
       [&] {
         run_ok({"touch", "-m", "-d", "@1000000000", linked_images / "logo.png"});
       }},
  });
}

TEST_F(Story, OwnersFollow) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root gives files away";
  play({
      {"chown through the link",
       [&] { ASSERT_EQ(0, ::chown((linked_images / "logo.png").c_str(), 65534, 65534)); }},
      {"chown of a directory",
       [&] { ASSERT_EQ(0, ::chown((images / "icons").c_str(), 65534, 0)); }},
  });
}

TEST_F(Story, RenamesFollow) {
  play({
      {"rename through the link",
       [&] { fs::rename(linked_images / "logo.png", linked_images / "mark.png"); }},
      {"rename through the real path",
       [&] { fs::rename(images / "mark.png", images / "logo.png"); }},
      {"rename over another file",
       [&] {
         write_file(images / "draft", "the new logo\n");
         fs::rename(images / "draft", images / "logo.png");
       }},
      {"rename across linked trees",
       [&] { fs::rename(images / "logo.png", cgi_bins / "logo.png"); }},
      {"rename a directory",
       [&] { fs::rename(linked_images / "icons", linked_images / "symbols"); }},
      {"write below its new name", [&] { write_file(images / "symbols/new.png", "new\n"); }},
      {"rename a directory across linked trees",
       [&] { fs::rename(images / "symbols", cgi_bins / "symbols"); }},
      {"write below its newer name", [&] { append_file(cgi_bins / "symbols/new.png", "er\n"); }},
      {"move in from outside",
       [&] {
         write_file(dir / "org/outside/deep/file", "from outside\n");
         fs::rename(dir / "org/outside", images / "outside");
       }},
      {"move out", [&] { fs::rename(images / "outside", dir / "org/outside"); }},
      {"swap two directories",
       [&] {
         fs::rename(source / "news", source / "aside");
         fs::rename(cgi_bins / "symbols", source / "news");
         fs::rename(source / "aside", cgi_bins / "symbols");
       }},
  });
}

TEST_F(Story, TreesComeAndGo) {
  const auto deep = [](const fs::path& top) {
    for (int i = 0; i < 5; ++i) {
      const fs::path below = top / ("d" + std::to_string(i)) / "a/b/c/d/e";
      write_file(below / "file", "deep " + std::to_string(i) + "\n");
      write_file(below.parent_path() / "file", "less deep\n");
    }
  };
  play({
      {"mkdir", [&] { fs::create_directory(linked_images / "new"); }},
      {"mkdir -p with files through the link", [&] { deep(linked_images / "new"); }},
      {"mkdir -p with files through the real path", [&] { deep(cgi_bins / "other"); }},
      {"copy a tree",
       [&] { fs::copy(images / "new", images / "copied", fs::copy_options::recursive); }},
      {"empty directories", [&] { fs::create_directories(source / "x/y/z"); }},
      {"rmdir", [&] { fs::remove(source / "x/y/z"); }},
      {"rm -r through the link", [&] { fs::remove_all(linked_images / "new"); }},
      {"rm -r through the real path", [&] { fs::remove_all(cgi_bins / "other"); }},
      {"rm -r and create again at once",
       [&] {
         fs::remove_all(images / "copied");
         deep(images / "copied");
       }},
  });
}

TEST_F(Story, OneKindTakesThePlaceOfAnother) {
  play({
      {"a directory where a file was",
       [&] {
         fs::remove(images / "logo.png");
         write_file(images / "logo.png/inside", "a file in it\n");
       }},
      {"a file where a directory was",
       [&] {
         fs::remove_all(images / "icons");
         write_file(images / "icons", "now a file\n");
       }},
      {"a fifo", [&] { ASSERT_EQ(0, ::mkfifo((images / "fifo").c_str(), 0600)); }},
      {"a file where a fifo was",
       [&] {
         fs::remove(images / "fifo");
         write_file(images / "fifo", "a file\n");
       }},
      {"a second name for a file",
       [&] { fs::create_hard_link(cgi_bins / "counter.cgi", images / "second.cgi"); }},
  });
}

TEST_F(Story, ManyChangesAtOnce) {
  for (int i = 0; i < 300; ++i) {
    const std::string number = std::to_string(i);
    write_file(images / ("dir" + std::to_string(i % 15)) / ("file" + number), number);
  }
  ASSERT_TRUE(arrives("300 files in 15 directories", both));
  for (int i = 0; i < 300; i += 2)
    fs::remove(images / ("dir" + std::to_string(i % 15)) / ("file" + std::to_string(i)));
  fs::rename(images / "dir1", cgi_bins / "dir1");
  ASSERT_TRUE(arrives("150 deletes and a rename", both));
}

TEST_F(Story, OddNamesAreNamesToo) {
  const std::vector<std::string> names{
      "new\nline", "\n",          "a]b",    "[x]",      "*",      "?",
      "**",        "back\\slash", "\\",     "a\\#012b", "-dash",  "--delete",
      "#hash",     ";semicolon",  " space", "space ",   " ",      "a\tb",
      "\x01",      "\xff\xfe",    "\xc3(",  "\xc3\xa9", ":colon", "host:path",
      "rsync:",    "$HOME",       "`id`",   "'",        "\"",     "~",
      "...",       "..name",      "+ plus", "- minus",  "%s",     std::string(255, 'n')};
  for (const auto& name : names) {
    write_file(linked_images / name, name);
    write_file(cgi_bins / ("d" + name).substr(0, 255) / "inside", name);
  }
  ASSERT_TRUE(arrives("odd names, files and directories", both));
  for (const auto& name : names) append_file(images / name, " again");
  ASSERT_TRUE(arrives("odd names rewritten", both));
  for (const auto& name : names) change_mode(images / name, 0600);
  ASSERT_TRUE(arrives("odd names chmodded", both));
  for (const auto& name : names) fs::rename(images / name, cgi_bins / name);
  ASSERT_TRUE(arrives("odd names renamed", both));
  for (const auto& name : names) {
    fs::remove(cgi_bins / name);
    fs::remove_all(cgi_bins / ("d" + name).substr(0, 255));
  }
  ASSERT_TRUE(arrives("odd names deleted", both));
}

}  // namespace
}  // namespace mirrord::test
