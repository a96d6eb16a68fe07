// The kernel's limits: a queue that overflows, and no more watches. The limits of watches belong to
// the whole machine, so the daemon runs in a user namespace of its own, where
// /proc/sys/user/max_inotify_* are lowered (namespaces(7)).
#include <signal.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "e2e/watch_lab.hpp"

namespace mirrord::test {
namespace {

class QueueOverflow : public WatchLab {
 protected:
  void SetUp() override {
    // What makes a flood in memory is a trickle on a disk.
    if (own_mounts()) mount_tmpfs(dir.path(), "256m");
    WatchLab::SetUp();
  }

  static size_t max_queued_events() {
    size_t limit = 0;
    std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> limit;
    return limit;
  }

  /// More events than the kernel keeps for one reader, of which no two are alike in a row.
  void flood(const fs::path& directory) const {
    for (size_t i = 0; i < max_queued_events() / 2 + 100; ++i) {
      fs::create_directory(directory / "flood");
      fs::remove(directory / "flood");
    }
  }
};

TEST_F(QueueOverflow, ConcernsOnlyItsOwnSource) {
  if (max_queued_events() > 200'000) GTEST_SKIP() << "fs.inotify.max_queued_events is too high";
  for (int i = 0; i < 30; ++i) write_file(source / "many" / std::to_string(i) / "file", "file\n");
  write_file(dir / "org/imgcms/other/logo.png", "another logo\n");
  begin();
  ASSERT_TRUE(both_become("idle"));
  const size_t own = logged("web/tgt1: full sync");
  const size_t others = logged("witness/witness-copy: full sync");
  EXPECT_GE(others, 1u);

  daemon->signal(SIGSTOP);
  flood(source);
  for (int i = 0; i < 30; ++i)
    write_file(source / "many" / std::to_string(i) / "unseen", "its event was lost\n");
  fs::remove_all(source / "many/3");
  fs::rename(source / "many/4", source / "news/4");
  point_link(source / "images", "../../imgcms/other");
  write_file(source / "new/deep/file", "its event was lost\n");
  append_file(cgi_bins / "counter.cgi", "# its event was lost\n");
  write_file(dir / "witnessed/meanwhile", "its event was not lost\n");
  daemon->signal(SIGCONT);

  ASSERT_TRUE(equal("after the overflow"));
  ASSERT_TRUE(holds(copy("witness-copy") / "meanwhile", "its event was not lost\n"));
  EXPECT_EQ(1u, logged("group 'web': the inotify queue overflowed"));
  EXPECT_EQ(0u, logged("group 'witness': the inotify queue overflowed"));
  EXPECT_GT(logged("web/tgt1: full sync"), own);
  ASSERT_TRUE(witness());
  EXPECT_EQ(others, logged("witness/witness-copy: full sync"));

  write_file(source / "new/deep/after", "after\n");
  write_file(dir / "org/imgcms/other/after", "after\n");
  write_file(source / "news/4/after", "after\n");
  ASSERT_TRUE(equal("changes where all was new"));
  ASSERT_TRUE(none_leaked());
}

TEST_F(QueueOverflow, IsToldOnceInAStorm) {
  if (max_queued_events() > 200'000) GTEST_SKIP() << "fs.inotify.max_queued_events is too high";
  begin();
  for (const auto* name : {"one", "two"}) {
    daemon->signal(SIGSTOP);
    flood(source);
    write_file(source / name / "unseen", "its event was lost\n");
    daemon->signal(SIGCONT);
    ASSERT_TRUE(equal("after an overflow"));
  }
  EXPECT_EQ(1u, logged("the inotify queue overflowed"));
}

class LimitOfWatches : public WatchLab {
 protected:
  static constexpr int kDirectories = 100;

  void SetUp() override {
    WatchLab::SetUp();
    if (IsSkipped()) return;
    for (const auto* program : {"unshare", "nsenter"})
      if (!find_program(program)) GTEST_SKIP() << program << " is not installed";
    const Finished finished = run({"unshare", "--user", "--map-root-user", "sh", "-c",
                                   "echo 1000 > /proc/sys/user/max_inotify_watches"});
    if (finished.status != 0) GTEST_SKIP() << "no user namespace here: " << finished.err;
  }

  void make_many() const {
    for (int i = 0; i < kDirectories; ++i) write_file(one_of_many(i) / "file", std::to_string(i));
  }
  void change_many(const std::string& text) const {
    for (int i = 0; i < kDirectories; ++i) append_file(one_of_many(i) / "file", text);
  }
  fs::path one_of_many(int i) const { return source / "many" / std::to_string(i); }

  /// `what` is watches or instances.
  void start_limited(const std::string& what, int limit) {
    limited_ = "/proc/sys/user/max_inotify_" + what;
    const std::string lower =
        "echo " + std::to_string(limit) + " > " + limited_ + " && exec \"$@\"";
    const std::string address = bus().address();
    daemon = std::make_unique<Mirrord>(
        dir, Mirrord::Options{
                 .config_dir = config_dir(),
                 .bus = address,
                 .wrapper = {"unshare", "--user", "--map-root-user", "sh", "-c", lower, "sh"}});
    daemon->wait_ready();
  }

  void raise(int limit) const {
    run_ok({"nsenter", "--user", "--preserve-credentials", "--target",
            std::to_string(daemon->pid()), "sh", "-c",
            "echo " + std::to_string(limit) + " > " + limited_});
  }

  void says_what_to_do(const std::string& sysctl) {
    // The number may still fall or rise when the crawl has just ended.
    std::string text;
    const auto is_right = [&] {
      text = problem();
      const auto all = static_cast<int64_t>(std::distance(
          fs::recursive_directory_iterator(source / "many"), fs::recursive_directory_iterator()));
      const auto watched = client().number(group_object("web"), "WatchedDirectories");
      const auto unwatched = std::atoll(text.c_str());
      // many/*/file are half of what is in many; beside it are contents, news, images, icons,
      // cgi-bins and many itself.
      return unwatched > 0 && unwatched + watched == all / 2 + 6;
    };
    EXPECT_TRUE(wait_until(is_right)) << text;
    EXPECT_NE(std::string::npos, text.find("directories are not watched")) << text;
    EXPECT_NE(std::string::npos, text.find("sysctl " + sysctl + "=")) << text;
    EXPECT_EQ(std::string::npos, text.find(sysctl + "=0")) << text;
  }

 private:
  std::string limited_;
};

TEST_F(LimitOfWatches, AtStartAndWhatIsUnwatchedIsCompared) {
  make_many();
  configure(web("rescan = \"1s\"\n"));
  start_limited("watches", 60);
  ASSERT_TRUE(becomes("web", "degraded", kPatience));
  says_what_to_do("user.max_inotify_watches");
  const Finished doctor =
      run_mirrorctl({"--bus", bus().address(), "doctor", "--config-dir", config_dir()});
  EXPECT_EQ(1, doctor.status);
  EXPECT_NE(std::string::npos, doctor.out.find("directories are not watched")) << doctor.out;
  ASSERT_TRUE(equal("first sync"));
  change_many("more\n");
  ASSERT_TRUE(equal("a change in each directory"));
  for (int i = 0; i < kDirectories; i += 10) fs::remove_all(one_of_many(i));
  write_file(one_of_many(5) / "new/deep/file", "new\n");
  fs::rename(one_of_many(6), one_of_many(0));
  ASSERT_TRUE(equal("directories removed, made, moved"));
  EXPECT_EQ(1u, logged("user.max_inotify_watches is reached")) << "told once, not per rescan";
}

TEST_F(LimitOfWatches, HealsWhenItIsRaised) {
  make_many();
  configure(web());
  start_limited("watches", 60);
  ASSERT_TRUE(becomes("web", "degraded", kPatience));
  says_what_to_do("user.max_inotify_watches");
  ASSERT_TRUE(equal("first sync"));
  change_many("not all of these are seen\n");
  raise(5000);
  ASSERT_TRUE(becomes("web", "watching", kLong));
  EXPECT_EQ("", problem());
  ASSERT_TRUE(equal("what went unseen"));
  change_many("all of these are seen\n");
  ASSERT_TRUE(equal("a change in each directory"));
}

TEST_F(LimitOfWatches, WhileRunning) {
  configure(web("rescan = \"1s\"\n"));
  start_limited("watches", 60);
  ASSERT_TRUE(becomes("web", "watching", kPatience));
  ASSERT_TRUE(equal("first sync"));
  make_many();
  ASSERT_TRUE(becomes("web", "degraded", kPatience));
  says_what_to_do("user.max_inotify_watches");
  ASSERT_TRUE(equal("the new directories"));
  change_many("more\n");
  ASSERT_TRUE(equal("a change in each directory"));
  fs::remove_all(source / "many");
  ASSERT_TRUE(becomes("web", "watching", kLong));
  ASSERT_TRUE(equal("all of them removed"));
}

TEST_F(LimitOfWatches, WhileRunningItHealsWhenItIsRaised) {
  configure(web());
  start_limited("watches", 60);
  ASSERT_TRUE(equal("first sync"));
  make_many();
  ASSERT_TRUE(becomes("web", "degraded", kPatience));
  says_what_to_do("user.max_inotify_watches");
  ASSERT_TRUE(equal("the new directories arrive all the same"));
  change_many("not all of these are seen\n");
  raise(5000);
  ASSERT_TRUE(becomes("web", "watching", kLong));
  ASSERT_TRUE(equal("what went unseen"));
  change_many("all of these are seen\n");
  ASSERT_TRUE(equal("a change in each directory"));
}

TEST_F(LimitOfWatches, NoInstanceAtAll) {
  make_many();
  configure(web("rescan = \"1s\"\n"));
  start_limited("instances", 0);
  ASSERT_TRUE(becomes("web", "degraded", kPatience));
  says_what_to_do("user.max_inotify_instances");
  ASSERT_TRUE(equal("first sync"));
  change_many("more\n");
  fs::remove_all(one_of_many(4));
  write_file(images / "new.png", "new\n");
  ASSERT_TRUE(equal("changes are found by comparison"));
  raise(100);
  ASSERT_TRUE(becomes("web", "watching", kLong));
  make_many();
  ASSERT_TRUE(equal("a change in each directory"));
}

TEST_F(LimitOfWatches, AnInstanceThatBecomesFreeIsRead) {
  configure(web());
  start_limited("instances", 0);
  ASSERT_TRUE(becomes("web", "degraded", kPatience));
  raise(100);
  ASSERT_TRUE(becomes("web", "watching", kLong));
  write_file(images / "new.png", "new\n");
  ASSERT_TRUE(equal("a change"));
}

}  // namespace
}  // namespace mirrord::test
