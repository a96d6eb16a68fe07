#include "e2e/watch_lab.hpp"

#include <sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iostream>
#include <system_error>

namespace mirrord::test {
namespace {

bool is_below(const std::string& path, const std::vector<std::string>& tops) {
  return std::ranges::any_of(
      tops, [&](const std::string& top) { return path == top || path.starts_with(top + '/'); });
}

Tree without(Tree tree, const std::vector<std::string>& tops) {
  std::erase_if(tree, [&](const auto& entry) { return is_below(entry.first, tops); });
  return tree;
}

void check(int result, const std::string& what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
}

std::string text_of(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + '\n';
  return text;
}

}  // namespace

void WatchLab::SetUp() {
  Lab::SetUp();
  if (!IsSkipped()) make_story();
}

void WatchLab::TearDown() {
  // Newest first, and lazily: a failed test leaves a daemon that still looks.
  std::ifstream mounts("/proc/self/mounts");
  std::vector<std::string> points;
  for (std::string device, point, rest; mounts >> device >> point && std::getline(mounts, rest);)
    if (is_below(point, {dir.path().native()})) points.push_back(point);
  std::ranges::reverse(points);
  for (const auto& point : points) ::umount2(point.c_str(), MNT_DETACH);
}

Lab::GroupText WatchLab::web(const std::string& settings) {
  return {.targets = {ssh_target("tgt1"), ssh_target("tgt2")}, .settings = settings};
}

void WatchLab::begin(const std::string& settings, const Comparison& comparison) {
  write_file(dir / "witnessed/begin", "begin\n");
  configure(web(settings));
  configure(
      {.targets = {local_target("witness-copy")}, .name = "witness", .source = dir / "witnessed"});
  start();
  ASSERT_TRUE(equal("first sync", comparison));
}

testing::AssertionResult WatchLab::equal(const std::string& what, const Comparison& comparison) {
  return arrives(what, both, comparison);
}

testing::AssertionResult WatchLab::equal_without(const std::string& what,
                                                 const std::vector<std::string>& left_out) {
  std::vector<std::string> lines;
  const auto all_equal = [&] {
    const Tree wanted = without(snapshot(source, Links::follow), left_out);
    return std::ranges::all_of(both, [&](const auto& target) {
      lines = difference(wanted, snapshot(copy(target), Links::preserve));
      return lines.empty();
    });
  };
  if (wait_until(all_equal)) return testing::AssertionSuccess();
  return testing::AssertionFailure() << what << ":\n" << text_of(lines);
}

testing::AssertionResult WatchLab::equal_outside(const std::string& what,
                                                 const std::vector<std::string>& paths,
                                                 bool owners) {
  std::vector<std::string> lines;
  const auto all_equal = [&] {
    const Tree wanted = without(snapshot(source, Links::follow), paths);
    return std::ranges::all_of(both, [&](const auto& target) {
      lines = difference(wanted, without(snapshot(copy(target), Links::preserve), paths), owners);
      return lines.empty();
    });
  };
  if (wait_until(all_equal)) return testing::AssertionSuccess();
  return testing::AssertionFailure() << what << ":\n" << text_of(lines);
}

testing::AssertionResult WatchLab::equal_to_rsync(const std::string& what,
                                                  const Arguments& options) {
  std::string lines;
  const auto none_differs = [&] {
    lines.clear();
    for (const auto& target : both)
      lines += rsync_drift(source, copy(target), Links::preserve, options);
    return lines.empty();
  };
  if (wait_until(none_differs)) return testing::AssertionSuccess();
  return testing::AssertionFailure() << what << ": rsync finds\n" << lines;
}

testing::AssertionResult WatchLab::both_become(const std::string& state) {
  for (const auto& target : both)
    if (auto result = target_becomes(target, state); !result) return result;
  return testing::AssertionSuccess();
}

testing::AssertionResult WatchLab::becomes(const std::string& group, const std::string& state,
                                           milliseconds limit) {
  const auto now = [&] { return client().text(group_object(group), "State"); };
  const Stopwatch watch;
  if (!wait_until([&] { return now() == state; }, limit))
    return testing::AssertionFailure() << "group " << group << " is '" << now() << "', not '"
                                       << state << "': " << problem(group);
  std::cout << "  " << state << ": " << watch.elapsed().count() << " ms\n";
  return testing::AssertionSuccess();
}

std::string WatchLab::problem(const std::string& group) {
  return client().text(group_object(group), "Problem");
}

testing::AssertionResult WatchLab::full_sync_and_witness() {
  client().call(manager_object(), "Sync", "ssb", "", "", 1);
  if (auto result = witness(); !result) return result;
  for (const auto& target : both)
    if (!wait_until([&] { return target_state(target) != "syncing"; }))
      return testing::AssertionFailure() << target << " keeps syncing";
  return testing::AssertionSuccess();
}

testing::AssertionResult WatchLab::witness() {
  const std::string name = "witness" + std::to_string(++witnesses_);
  write_file(dir / "witnessed" / name, name);
  return holds(copy("witness-copy") / name, name);
}

std::vector<Tree> WatchLab::copies() const {
  std::vector<Tree> all;
  for (const auto& target : both) all.push_back(snapshot(copy(target), Links::preserve));
  return all;
}

testing::AssertionResult WatchLab::copies_are(const std::vector<Tree>& before) const {
  for (size_t i = 0; i < both.size(); ++i) {
    const auto lines = difference(before[i], snapshot(copy(both[i]), Links::preserve));
    if (!lines.empty())
      return testing::AssertionFailure() << both[i] << " has changed:\n" << text_of(lines);
  }
  return testing::AssertionSuccess();
}

size_t WatchLab::watches() const {
  size_t count = 0;
  const fs::path directory = "/proc/" + std::to_string(daemon->pid()) + "/fdinfo";
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator(directory, gone)) {
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);)
      if (line.starts_with("inotify wd:")) ++count;
  }
  return count;
}

testing::AssertionResult WatchLab::none_leaked() {
  if (auto result = equal("before the watches are counted"); !result) return result;
  const size_t after_churn = watches();
  stop();
  start();
  if (auto result = equal("after a restart"); !result) return result;
  if (watches() == after_churn) return testing::AssertionSuccess();
  return testing::AssertionFailure() << after_churn << " watches, a fresh daemon has " << watches();
}

size_t WatchLab::logged(const std::string& text) const {
  const std::string log = daemon->log();
  size_t count = 0;
  for (auto at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) ++count;
  return count;
}

bool WatchLab::own_mounts() {
  static const bool allowed = ::unshare(CLONE_NEWNS) == 0 &&
                              ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  return allowed;
}

void WatchLab::mount_tmpfs(const fs::path& where, const std::string& size) {
  fs::create_directories(where);
  const std::string options = "mode=755,size=" + size;
  check(::mount("tmpfs", where.c_str(), "tmpfs", 0, options.c_str()),
        "mount on " + where.native());
}

void WatchLab::bind(const fs::path& what, const fs::path& where) {
  fs::create_directories(where);
  check(::mount(what.c_str(), where.c_str(), nullptr, MS_BIND, nullptr), "bind " + where.native());
}

void WatchLab::unmount(const fs::path& where) {
  // A transfer that just looks at it keeps it busy.
  if (!wait_until([&] { return ::umount2(where.c_str(), 0) == 0; }))
    check(-1, "unmount " + where.native());
}

}  // namespace mirrord::test
