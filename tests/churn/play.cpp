#include "churn/play.hpp"

#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <exception>
#include <iostream>
#include <map>
#include <random>
#include <sstream>
#include <utility>

#include "core/link_rule.hpp"
#include "core/rsync.hpp"

namespace mirrord::test {
namespace {

using Kind = Operation::Kind;

/// What was sent is there; only a batch that repeats it may still have its temporary files there.
constexpr milliseconds kUntilSettled{3'000};

constexpr std::array kHosts{"host1", "host2"};

const std::vector<std::vector<std::string>> kFilters{
    {},
    {"- b", "- /a/*c", "- c/"},
    {"+ /a/", "- /a/**b", "+ d?", "- c/", "- [-]i", "- 1*"},
};

/// What a run of rsync does that fails in some way; bash(1), with the real one next in PATH.
constexpr std::array kBreaks{
    "exit 12",
    "kill -9 $$",
    "rsync \"$@\"; exit 23",
    "timeout -s KILL 0.05 rsync \"$@\"; exit",
};

const char* name_of(Symlinks rule) {
  switch (rule) {
    case Symlinks::follow:
      return "follow";
    case Symlinks::preserve:
      return "preserve";
    case Symlinks::follow_external:
      return "follow-external";
  }
  return "";
}

std::string toml_list(const std::vector<std::string>& texts) {
  std::string list;
  for (const auto& text : texts) list += "'" + text + "', ";
  return "[" + list + "]";
}

std::string any_host(unsigned number) { return kHosts[number % kHosts.size()]; }

void kill_one(const std::vector<pid_t>& pids, unsigned number) {
  if (!pids.empty()) ::kill(pids[number % pids.size()], SIGKILL);
}

/// The links that rsync cannot be trusted with: they loop, lead nowhere or out of bounds. Found by
/// a plain walk, for the judge.
class HiddenLinks {
 public:
  HiddenLinks(Symlinks rule, const std::vector<std::string>& bounds)
      : rule_(rule), bounds_(bounds) {}

  std::vector<std::string> below(const fs::path& source) {
    enter(source, "");
    return std::move(hidden_);
  }

 private:
  using Identity = std::pair<dev_t, ino_t>;

  void enter(const fs::path& directory, const std::string& logical) {
    struct stat status {};
    if (::stat(directory.c_str(), &status) != 0) return;
    branch_.emplace_back(status.st_dev, status.st_ino);
    for (const auto& entry : fs::directory_iterator(directory)) {
      const std::string name = entry.path().filename();
      visit(entry.path(), logical.empty() ? name : logical + '/' + name);
    }
    branch_.pop_back();
  }

  void visit(const fs::path& path, const std::string& logical) {
    struct stat status {};
    const bool link = fs::is_symlink(fs::symlink_status(path));
    if (link && !is_followed(rule_, logical, fs::read_symlink(path).native())) return;
    const bool there = ::stat(path.c_str(), &status) == 0;
    if (link && (!there || loops(status) || leads_out(path)))
      hidden_.push_back(logical);
    else if (there && S_ISDIR(status.st_mode))
      enter(path, logical);
  }

  bool loops(const struct stat& status) const {
    return std::ranges::count(branch_, Identity(status.st_dev, status.st_ino)) != 0;
  }
  bool leads_out(const fs::path& path) const {
    return !is_within(fs::canonical(path).native(), bounds_);
  }

  Symlinks rule_;
  std::vector<std::string> bounds_;
  std::vector<Identity> branch_;
  std::vector<std::string> hidden_;
};

}  // namespace

void Play::deal_out(unsigned seed) {
  std::minstd_rand random(seed * 104'729 + 1);
  std::array links{Symlinks::follow, Symlinks::preserve, Symlinks::follow_external};
  auto filters = kFilters;
  std::ranges::shuffle(links, random);
  std::ranges::shuffle(filters, random);
  constexpr std::array kDelays{"0s", "20ms", "100ms"};
  const std::string program =
      stand_in("rsync-here", "[[ ! -e @HERE@/fault ]] || . @HERE@/fault").native();
  const std::string settings = std::string(kQuickRetry) + "delay = '" + kDelays[random() % 3] +
                               "'\nsync_on = '" + (random() % 4 == 0 ? "modify" : "close") +
                               "'\nmax_delete = 'off'\nrsync = { timeout = '5s', program = '" +
                               program + "' }\n";
  const std::array<std::pair<const char*, const char*>, 3> kSources{
      {{"whole", "tree"}, {"shown", "current"}, {"inner", "tree/inner"}}};
  for (size_t i = 0; i < kSources.size(); ++i) {
    GroupRules group{.name = kSources[i].first,
                     .source = world_.root() / kSources[i].second,
                     .links = links[i],
                     .filter = filters[i]};
    if (group.links == Symlinks::follow && random() % 3 == 0)
      group.follow_into = {world_.root() / "tree", world_.root() / "other"};
    put_group(std::move(group), settings);
  }
}

void Play::put_group(GroupRules group, const std::string& settings) {
  std::vector<std::string> destinations;
  const auto add = [&](const std::string& name, const std::string& destination) {
    group.targets.push_back(name);
    destinations.push_back(destination);
  };
  add(group.name + "-here", local_target(group.name + "-here"));
  for (const auto* host : kHosts)
    add(group.name + "-" + host, target_on(host, group.name + "-" + host));
  std::string own = std::string("symlinks = '") + name_of(group.links) + "'\n";
  if (!group.filter.empty()) own += "filter = " + toml_list(group.filter) + "\n";
  if (!group.follow_into.empty()) own += "follow_into = " + toml_list(group.follow_into) + "\n";
  configure({.targets = destinations,
             .settings = settings + own,
             .name = group.name,
             .source = group.source});
  groups_.push_back(std::move(group));
}

std::string Play::play(const History& history) {
  try {
    start();
    for (const auto& operation : history) {
      if (operation.kind != Kind::judge)
        perform(operation);
      else if (std::string problem = judge(); !problem.empty())
        return problem;
    }
    return leaked_watches();
  } catch (const std::exception& e) {
    return e.what();
  }
}

void Play::perform(const Operation& operation) {
  if (world_.perform(operation)) return;
  const unsigned number = operation.number;
  const GroupRules& group = groups_[number % groups_.size()];
  const std::string& target = group.targets[number / 3 % group.targets.size()];
  switch (operation.kind) {
    case Kind::breathe:
      // No waiting for anything: what comes next is to meet the daemon in the midst of its work.
      if (number % 2 == 0) thaw();
      std::this_thread::sleep_for(milliseconds(number % 60));
      break;
    case Kind::kill_child:
      return kill_one(descendants(daemon->pid()), number);
    case Kind::kill_session:
      return kill_one(sessions(any_host(number)), number);
    case Kind::kill_daemon:
      return restart();
    case Kind::freeze:
      return daemon->signal(SIGSTOP);
    case Kind::break_rsync:
      return break_rsync(number);
    case Kind::mend_rsync:
      fs::remove(dir / "fault");
      break;
    case Kind::stop_server:
      return stop_host(any_host(number));
    case Kind::start_server:
      return start_host(any_host(number));
    case Kind::reload:
      return daemon->signal(SIGHUP);
    case Kind::full_sync:
      thaw();
      client().call(manager_object(), "Sync", "ssb", group.name.c_str(), target.c_str(), 1);
      break;
    case Kind::pause:
      return call("Pause", group.name, target);
    case Kind::resume:
      return call("Resume", group.name, target);
    default:
      throw std::logic_error("nobody performs " + text_of(operation));
  }
}

void Play::restart() {
  daemon->signal(SIGKILL);
  start();
}

void Play::thaw() { daemon->signal(SIGCONT); }

/// Runs to one of the copies fail from now on, until it is mended.
void Play::break_rsync(unsigned number) const {
  const GroupRules& group = groups_[number % groups_.size()];
  const std::string copy = dir / group.targets[number / 3 % group.targets.size()];
  write_file(dir / "fault.new", "[[ ${!#} != *" + copy + "/ ]] || { " +
                                    kBreaks[number / 9 % kBreaks.size()] + "; }\n");
  fs::rename(dir / "fault.new", dir / "fault");
}

void Play::heal() {
  thaw();
  for (const auto* host : kHosts) start_host(host);
  fs::remove(dir / "fault");
  world_.close_logs();
  call("Resume", "", "");
}

void Play::stop_host(const std::string& host) {
  if (down_.insert(host).second) server(host).stop();
}

void Play::start_host(const std::string& host) {
  if (down_.erase(host) != 0) server(host).start();
}

std::vector<pid_t> Play::sessions(const std::string& host) {
  return down_.contains(host) ? std::vector<pid_t>{} : descendants(server(host).pid());
}

void Play::call(const char* method, const std::string& group, const std::string& target) {
  thaw();
  client().call(manager_object(), method, "ss", group.c_str(), target.c_str());
}

std::string Play::judge() {
  heal();
  if (!daemon->running()) return "mirrord has ended by itself";
  const Stopwatch watch;
  const auto all_sent = [&] {
    return mirrorctl({"wait", "--timeout", "5s"}).status == 0 || !daemon->running();
  };
  if (!wait_until(all_sent, patience_))
    return "not everything is sent:\n" + state();
  const milliseconds sent = watch.elapsed();
  std::string lines;
  if (!wait_until([&] { return (lines = drift()).empty(); }, kUntilSettled))
    return "everything is sent, but:\n" + lines + state();
  std::cout << "  sent in " << sent.count() << " ms, equal in " << watch.elapsed().count()
            << " ms\n";
  return "";
}

std::string Play::state() {
  const Finished status = mirrorctl({"status"});
  return status.out + status.err;
}

std::string Play::drift() const {
  std::string lines;
  for (const auto& group : groups_) lines += drift_of(group) + second_opinion(group);
  return lines;
}

std::string Play::drift_of(const GroupRules& group) const {
  std::string rules;
  for (const auto& path : HiddenLinks(group.links, group.follow_into).below(group.source))
    rules += "H " + exact_pattern(path) + '\0';
  for (const auto& rule : group.filter) rules += rule + '\0';
  write_file(dir / "judge.rules", rules);
  Arguments options{"--from0", "--filter=. " + (dir / "judge.rules").native()};
  if (group.links == Symlinks::follow_external) options.emplace_back("--copy-unsafe-links");
  const Links links = group.links == Symlinks::follow ? Links::follow : Links::preserve;
  std::string all;
  for (const auto& target : group.targets)
    if (const auto lines = rsync_drift(group.source, copy(target), links, options); !lines.empty())
      all += target + " by rsync:\n" + lines;
  return all;
}

/// To the nanosecond, and without rsync; where no rules are to be thought of.
std::string Play::second_opinion(const GroupRules& group) const {
  if (!group.filter.empty() || !group.follow_into.empty()) return "";
  if (group.links == Symlinks::follow_external) return "";
  const Links links = group.links == Symlinks::follow ? Links::follow : Links::preserve;
  const Tree wanted = snapshot(group.source, links);
  std::string all;
  for (const auto& target : group.targets) {
    const auto lines = difference(wanted, snapshot(copy(target), Links::preserve));
    for (const auto& line : lines) all += target + ": " + line + '\n';
  }
  return all;
}

std::string Play::leaked_watches() {
  thaw();
  const auto after_churn = watched();
  if (const int status = daemon->terminate(); status != 0)
    return "mirrord stops with status " + std::to_string(status);
  start();
  const auto fresh = watched();
  std::string lines;
  for (const auto& path : fresh)
    if (!after_churn.contains(path)) lines += "\nnot watched: " + path;
  for (const auto& path : after_churn)
    if (!fresh.contains(path)) lines += "\nneedlessly: " + path;
  return lines.empty() ? "" : "a fresh daemon watches otherwise:" + lines;
}

/// By proc(5) /proc/PID/fdinfo: "inotify wd:1 ino:2a sdev:…", in hexadecimal.
std::set<std::string> Play::watched() const {
  std::map<ino_t, std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(world_.root())) {
    struct stat status {};
    if (::lstat(entry.path().c_str(), &status) == 0)
      names[status.st_ino] = escaped(entry.path().lexically_relative(world_.root()).native());
  }
  std::set<std::string> paths;
  const fs::path infos = "/proc/" + std::to_string(daemon->pid()) + "/fdinfo";
  for (const auto& info : fs::directory_iterator(infos)) {
    std::istringstream words(read_file(info.path()));
    for (std::string word; words >> word;)
      if (word.starts_with("ino:") && word.size() > 4)
        if (const auto name = names.find(std::stoul(word.substr(4), nullptr, 16));
            name != names.end())
          paths.insert(name->second);
  }
  return paths;
}

}  // namespace mirrord::test
