// What this host runs out of: descriptors, processes. All targets suffer, and the daemon stays.
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "faults/fault_lab.hpp"
#include "support/resource_limit.hpp"

namespace mirrord::test {
namespace {

class FaultResources : public FaultLab {
 protected:
  static constexpr auto* kNoStandby = "standby = false\ndelay = \"0s\"\n";

  /// Changes, again and again, for a transfer that was started before carries the first ones.
  testing::AssertionResult all_fail_with(const std::string& words) {
    const auto failed = [&](const std::string& target) {
      return contains(last_error(target), words);
    };
    int number = 0;
    const auto all_failed = [&] {
      write_file(images / "failing", std::to_string(++number));
      return std::ranges::all_of(all, failed);
    };
    if (wait_until(all_failed)) return testing::AssertionSuccess();
    auto failure = testing::AssertionFailure() << "not all say '" << words << "'";
    for (const auto& target : all) failure << "; " << target << ": " << last_error(target);
    return failure;
  }

  testing::AssertionResult log_and_memory_are_bounded() const {
    const size_t log = daemon->log().size(), now = memory();
    if (log < 50'000 && now < memory_before_ + 64) return testing::AssertionSuccess();
    return testing::AssertionFailure()
           << log << " bytes logged, " << memory_before_ << " MB, then " << now << " MB\n"
           << daemon->log();
  }

  void begin_idle(const std::string& of_group, const Environment& environment = {}) {
    begin("", of_group, environment);
    ASSERT_TRUE(nothing_is_lost());
    memory_before_ = memory();
  }

 private:
  size_t memory_before_ = 0;
};

class Descriptors : public FaultResources, public testing::WithParamInterface<size_t> {
 protected:
  std::set<rlim_t> used() const {
    std::set<rlim_t> numbers;
    const fs::path directory = "/proc/" + std::to_string(daemon->pid()) + "/fd";
    for (const auto& entry : fs::directory_iterator(directory))
      numbers.insert(std::stoul(entry.path().filename()));
    return numbers;
  }

  /// Below which so many numbers are free, the standard ones not counted.
  rlim_t limit_with_room_for(size_t count) const {
    rlim_t limit = kNoMoreDescriptors;
    for (const auto taken = used(); count > 0; ++limit) count -= taken.contains(limit) ? 0 : 1;
    return limit;
  }
};

TEST_P(Descriptors, RunOutAndNothingIsLost) {
  begin_idle(kNoStandby, {{"WATCHDOG_USEC", "2000000"}});
  const size_t used_before = used().size();
  {
    const ResourceLimit limit(RLIMIT_NOFILE, limit_with_room_for(GetParam()), daemon->pid());
    EXPECT_TRUE(all_fail_with("Too many open files"));
    write_file(images / "met/without/one", "a directory\n");
    fs::create_directory_symlink("met", images / "link");
    fs::rename(images / "icons", cgi_bins / "icons");
    fs::remove(source / "index.html");
    if (GetParam() == 0) {
      EXPECT_TRUE(wait_until([&] { return contains(problem(), "no file descriptor is free"); }));
      EXPECT_EQ("org.mirrord1.Error.InvalidConfig",
                client().call(manager_object(), "Reload", "").name);
    }
    const size_t fed = daemon->notify().count("WATCHDOG=1");
    EXPECT_TRUE(wait_until([&] { return daemon->notify().count("WATCHDOG=1") > fed + 5; }));
  }
  EXPECT_TRUE(nothing_is_lost());
  EXPECT_TRUE(wait_until([&] { return problem().empty(); })) << problem();
  write_file(images / "met/without/later", "it is watched by now\n");
  write_file(images / "link/without/through", "the link\n");
  EXPECT_TRUE(nothing_is_lost());
  EXPECT_TRUE(log_and_memory_are_bounded());
  EXPECT_LE(used().size(), used_before + 4) << "none is left behind";
}

/// None; enough to look around; not enough for a child, which needs three pipes.
INSTANTIATE_TEST_SUITE_P(Left, Descriptors, testing::Values(0, 1, 4),
                         [](const auto& one) { return std::to_string(one.param); });

TEST_F(FaultResources, AStandbyNeedsNoDescriptorAndItsSuccessorWaitsForOne) {
  begin_idle(kAtOnce);
  const pid_t waiting = standby("near");
  {
    const ResourceLimit limit(RLIMIT_NOFILE, kNoMoreDescriptors, daemon->pid());
    EXPECT_TRUE(all_fail_with("Too many open files"));
  }
  EXPECT_TRUE(nothing_is_lost());
  EXPECT_TRUE(standby_is_renewed("near", waiting));
}

/// Of a user: RLIMIT_NPROC, which binds everybody but root, setrlimit(2).
class Processes : public FaultResources {
 protected:
  static constexpr auto* kUser = "nobody";

  /// Two targets whose transfers run as that user, and another group's.
  void begin_as_user() {
    const passwd* user = ::getpwnam(kUser);
    if (::geteuid() != 0) GTEST_SKIP() << "only root can start children as another user";
    if (!user) GTEST_SKIP() << "there is no user " << kUser;
    uid_ = user->pw_uid;
    configure({.targets = {target_on("host1", "victim"), target_on("host2", "far")},
               .settings = std::string(kQuickRetry) + kNoStandby + "user = \"nobody\"\n"});
    configure({.targets = {local_target("near")}, .name = "other", .source = dir / "others"});
    for (const auto& [name, host] : servers)
      ASSERT_EQ(0, ::chown(host->identity_file().c_str(), uid_, user->pw_gid));
    write_file(dir / "others/file", "of another group\n");
    start();
    ASSERT_TRUE(arrives("first sync", users_));
  }

  rlim_t count_of_user() const {
    rlim_t count = 0;
    for (const pid_t pid : descendants(1)) {
      struct stat status {};
      const std::string directory = "/proc/" + std::to_string(pid);
      count += ::stat(directory.c_str(), &status) == 0 && status.st_uid == uid_;
    }
    return count;
  }

  const std::vector<std::string> users_{"victim", "far"};
  uid_t uid_ = 0;
};

TEST_F(Processes, OfTheUserRunOutAndNothingIsLost) {
  begin_as_user();
  if (IsSkipped() || HasFatalFailure()) return;
  // None at all; and one, which then cannot start ssh.
  for (const rlim_t more : {0, 1}) {
    const rlim_t limit = more == 0 ? 0 : count_of_user() + more;
    const size_t told = logged("Resource temporarily unavailable");
    const std::string text = "with room for " + std::to_string(more) + '\n';
    {
      const ResourceLimit lowered(RLIMIT_NPROC, limit, daemon->pid());
      write_file(images / "new" / std::to_string(more), text);
      for (const auto& target : users_)
        EXPECT_TRUE(wait_until([&] { return !last_error(target).empty(); }));
      EXPECT_GT(logged("Resource temporarily unavailable"), told);
      write_file(dir / "others/file", text);
      EXPECT_TRUE(holds(copy("near") / "file", text)) << "root is not concerned";
    }
    ASSERT_TRUE(arrives("all of it, in the end", users_));
    for (const auto& target : users_) ASSERT_TRUE(target_becomes(target, "idle"));
  }
}

/// A control group that counts processes, cgroups(7), the daemon's own; removed at the end.
class PidsGroup {
 public:
  explicit PidsGroup(pid_t member) {
    for (const fs::path hierarchy : {"/sys/fs/cgroup/pids", "/sys/fs/cgroup"}) {
      std::error_code refused;
      root_ = hierarchy;
      group_ = hierarchy / ("mirrord-test-" + std::to_string(::getpid()));
      if (!fs::create_directory(group_, refused)) continue;
      if (fs::exists(group_ / "pids.max") && write(group_ / "cgroup.procs", std::to_string(member)))
        return;
      fs::remove(group_, refused);
    }
    group_.clear();
  }
  ~PidsGroup() {
    if (!*this) return;
    std::istringstream members(read_file(group_ / "cgroup.procs"));
    for (std::string pid; members >> pid;) write(root_ / "cgroup.procs", pid);
    ::rmdir(group_.c_str());
  }
  PidsGroup(const PidsGroup&) = delete;
  PidsGroup& operator=(const PidsGroup&) = delete;

  explicit operator bool() const { return !group_.empty(); }
  bool set_limit(const std::string& limit) const { return write(group_ / "pids.max", limit); }

 private:
  static bool write(const fs::path& file, const std::string& text) {
    const Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  }

  fs::path root_, group_;
};

TEST_F(FaultResources, NoProcessCanBeStarted) {
  begin_idle(kNoStandby);
  const PidsGroup group(daemon->pid());
  if (!group) GTEST_SKIP() << "no control group of processes can be made here";
  ASSERT_TRUE(group.set_limit("1"));
  EXPECT_TRUE(all_fail_with("Resource temporarily unavailable"));
  fs::rename(images / "icons", cgi_bins / "icons");
  write_file(images / "met/without/one", "a directory\n");
  ASSERT_TRUE(group.set_limit("max"));
  EXPECT_TRUE(nothing_is_lost());
  EXPECT_TRUE(log_and_memory_are_bounded());
}

}  // namespace
}  // namespace mirrord::test
