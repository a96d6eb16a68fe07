#include "support/tree.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <set>
#include <sstream>
#include <utility>

#include "support/child.hpp"
#include "support/files.hpp"

namespace mirrord::test {
namespace {

constexpr size_t kLinesShown = 20;

using Identity = std::pair<dev_t, ino_t>;

/// Walks one tree; `branch_` holds the directories above the current one, so that a link back to
/// one of them ends there.
class Walk {
 public:
  Walk(fs::path root, Links links) : root_(std::move(root)), links_(links) {}

  Tree run() {
    struct stat status {};
    if (::stat(root_.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) add(".", root_, status);
    return std::move(tree_);
  }

 private:
  void visit(const fs::path& below) {
    const fs::path path = root_ / below;
    struct stat status {};
    const auto look = links_ == Links::follow ? ::stat : ::lstat;
    if (look(path.c_str(), &status) != 0) return;
    // Only a link is left out: a directory that another link has led around to is what it is.
    const bool loops = S_ISDIR(status.st_mode) && branch_.contains({status.st_dev, status.st_ino});
    if (loops && fs::is_symlink(path)) return;
    add(below.native(), path, status);
  }

  void add(const std::string& name, const fs::path& path, const struct stat& status) {
    const Identity identity{status.st_dev, status.st_ino};
    Entry& entry = tree_[name];
    entry = {.mode = status.st_mode,
             .uid = status.st_uid,
             .gid = status.st_gid,
             .modified = status.st_mtim};
    if (S_ISREG(status.st_mode)) {
      entry.size = status.st_size;
      entry.content = std::hash<std::string>{}(read_file(path));
    } else if (S_ISLNK(status.st_mode)) {
      std::error_code gone;
      entry.link = fs::read_symlink(path, gone);
    } else if (S_ISDIR(status.st_mode)) {
      branch_.insert(identity);
      std::error_code gone;
      for (fs::directory_iterator it(path, gone), end; !gone && it != end; it.increment(gone))
        visit(name == "." ? it->path().filename() : fs::path(name) / it->path().filename());
      branch_.erase(branch_.find(identity));
    }
  }

  fs::path root_;
  Links links_;
  std::multiset<Identity> branch_;
  Tree tree_;
};

bool same_time(const Entry& a, const Entry& b) {
  return a.modified.tv_sec == b.modified.tv_sec &&
         (!S_ISREG(a.mode) || a.modified.tv_nsec == b.modified.tv_nsec);
}

template <class Value>
std::string both(const char* what, Value source, Value target) {
  std::ostringstream text;
  if (std::string_view(what) == "mode") text << std::oct;
  text << ' ' << what << ' ' << source << " but " << target;
  return text.str();
}

std::string time_text(const timespec& time) {
  return std::to_string(time.tv_sec) + '.' + std::to_string(time.tv_nsec);
}

/// "" when equal.
std::string entry_difference(const Entry& source, const Entry& target, bool compare_owners) {
  std::string text;
  if (source.mode != target.mode) text += both("mode", source.mode, target.mode);
  if (source.size != target.size)
    text += both("size", source.size, target.size);
  else if (source.content != target.content)
    text += " content";
  if (source.link != target.link) text += both("link", escaped(source.link), escaped(target.link));
  if (!same_time(source, target))
    text += both("time", time_text(source.modified), time_text(target.modified));
  if (compare_owners && source.uid != target.uid) text += both("uid", source.uid, target.uid);
  if (compare_owners && source.gid != target.gid) text += both("gid", source.gid, target.gid);
  return text;
}

}  // namespace

Tree snapshot(const fs::path& root, Links links) { return Walk(root, links).run(); }

std::vector<std::string> difference(const Tree& source, const Tree& target, bool compare_owners) {
  compare_owners = compare_owners && ::geteuid() == 0;
  std::vector<std::string> lines;
  for (const auto& [name, entry] : source) {
    const auto found = target.find(name);
    const std::string text =
        found == target.end() ? " missing" : entry_difference(entry, found->second, compare_owners);
    if (!text.empty()) lines.push_back("'" + escaped(name) + "':" + text);
  }
  for (const auto& [name, entry] : target)
    if (!source.contains(name)) lines.push_back("'" + escaped(name) + "': too much");
  return lines;
}

Convergence eventually_equal(const fs::path& source, const std::vector<fs::path>& targets,
                             const Comparison& comparison) {
  const Stopwatch watch;
  std::vector<std::string> lines;
  const auto all_equal = [&] {
    const Tree wanted = snapshot(source, comparison.links);
    return std::ranges::all_of(targets, [&](const fs::path& target) {
      lines = difference(wanted, snapshot(target, Links::preserve), comparison.owners);
      if (!lines.empty()) lines.insert(lines.begin(), "in " + target.native() + ':');
      return lines.empty();
    });
  };
  Convergence result;
  result.equal = wait_until(all_equal, comparison.limit);
  result.elapsed = watch.elapsed();
  if (lines.size() > kLinesShown) lines.resize(kLinesShown);
  for (const auto& line : lines) result.difference += line + '\n';
  return result;
}

std::string rsync_drift(const fs::path& source, const fs::path& target, Links links,
                        const std::vector<std::string>& options) {
  Arguments command{"rsync", "-n", "-a", "--checksum", "--delete", "-i"};
  if (links == Links::follow) command.emplace_back("-L");
  command.insert(command.end(), options.begin(), options.end());
  command.push_back(source.native() + '/');
  command.push_back(target.native() + '/');
  const Finished finished = run(command);
  return finished.out + finished.err;
}

}  // namespace mirrord::test
