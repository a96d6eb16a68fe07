#include "io/resolve.hpp"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <deque>

#include "io/file_system.hpp"

namespace mirrord {

namespace {

constexpr int kMaxLinks = 40;  // as the kernel, path_resolution(7)

using Components = std::deque<std::string>;

/// "." stays where it says that what is before it is a directory: at the end, after a slash.
void prepend(Components& todo, const std::string& path) {
  Components parts;
  for (size_t start = 0; start < path.size();) {
    size_t end = std::min(path.find('/', start), path.size());
    std::string part = path.substr(start, end - start);
    if (!part.empty() && part != ".") parts.push_back(std::move(part));
    start = end + 1;
  }
  bool as_directory = path.ends_with('/') || path.ends_with("/.");
  if (as_directory && !parts.empty()) parts.push_back(".");
  todo.insert(todo.begin(), parts.begin(), parts.end());
}

std::string below(const std::string& directory, const std::string& name) {
  return directory == "/" ? directory + name : directory + '/' + name;
}

std::string parent_of(const std::string& directory) {
  size_t slash = directory.rfind('/');
  return slash == 0 ? "/" : directory.substr(0, slash);
}

std::string read_link(const std::string& path) {
  char buffer[PATH_MAX];
  ssize_t n = ::readlink(path.c_str(), buffer, sizeof buffer);
  return n < 0 ? std::string() : std::string(buffer, static_cast<size_t>(n));
}

Resolution::End failure(int error) {
  const bool leads_nowhere = error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG;
  return leads_nowhere ? Resolution::End::missing : Resolution::End::denied;
}

void finish(Resolution& result, const std::string& path) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) < 0) {
    result.end = failure(errno);
    return;
  }
  result.end = S_ISDIR(st.st_mode) ? Resolution::End::directory : Resolution::End::file;
  result.path = path;
  result.identity = identity_of(path).value_or(Identity{});
  result.regular = S_ISREG(st.st_mode);
}

bool is_remote_at(const Mounts& mounts, const std::string& path) {
  const auto mount = mounts.find(path);
  return mount != mounts.end() && is_remote(mount->second);
}

/// Ends where one of `ends` is remote.
Resolution walk(const std::string& base, const std::string& path, const Mounts& ends) {
  Resolution result;
  Components todo;
  prepend(todo, path);
  std::string current = path.starts_with('/') ? "/" : base;
  for (int links = 0; !todo.empty();) {
    std::string name = std::move(todo.front());
    todo.pop_front();
    if (name == ".." || name == ".") {
      if (name == "..") current = parent_of(current);
      continue;
    }
    result.steps.push_back({current, name});
    std::string next = below(current, name);
    if (is_remote_at(ends, next)) {
      result.path = next;
      for (const std::string& rest : todo) result.path += '/' + rest;
      return result;
    }
    struct stat st {};
    if (::lstat(next.c_str(), &st) < 0) {
      result.end = failure(errno);
      result.absent = errno == ENOENT;
      return result;
    }
    if (!S_ISLNK(st.st_mode)) {
      if (!S_ISDIR(st.st_mode) && !todo.empty()) return result;  // ENOTDIR
      current = std::move(next);
      continue;
    }
    if (++links > kMaxLinks) return result;  // ELOOP: leads nowhere
    std::string target = read_link(next);
    if (target.starts_with('/')) current = "/";
    prepend(todo, target);
  }
  finish(result, current);
  return result;
}

}  // namespace

std::string Resolution::last_seen() const {
  if (!path.empty() || steps.empty()) return path;
  return below(steps.back().directory, steps.back().name);
}

Resolution resolve(const std::string& base, const std::string& path) {
  return walk(base, path, {});
}

std::string place_of(const std::string& path, const Mounts& mounts) {
  return walk("/", path, mounts).last_seen();
}

std::vector<std::string> link_bounds(const std::optional<std::vector<std::string>>& follow_into,
                                     const std::string& resolved_source) {
  if (!follow_into) return {};
  std::vector<std::string> bounds{resolved_source};
  for (const std::string& directory : *follow_into) {
    Resolution bound = resolve("/", directory);
    bounds.push_back(bound.path.empty() ? directory : bound.path);
  }
  return bounds;
}

}  // namespace mirrord
