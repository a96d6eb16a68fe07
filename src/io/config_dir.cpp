#include "io/config_dir.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "io/handle.hpp"
#include "io/user.hpp"

namespace mirrord {

namespace {

Diagnostic problem(const std::string& file, const std::string& message) {
  return {Severity::problem, file, 0, 0, message};
}

Host::Text failure(int error) { return {std::nullopt, std::strerror(error)}; }

/// A FIFO or a device is not even opened.
bool is_special(const std::string& path) {
  struct stat st {};
  return ::stat(path.c_str(), &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

/// As long as there is more of a file than anybody writes, it may have no end.
Host::Text read_file(const std::string& path) {
  constexpr size_t kMost = 32 * 1024 * 1024;
  if (is_special(path)) return {std::nullopt, "it is no regular file"};
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return failure(errno);
  std::string text;
  char buffer[65536];
  while (text.size() <= kMost) {
    ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n == 0) return {std::move(text), ""};
    if (n > 0)
      text.append(buffer, static_cast<size_t>(n));
    else if (errno != EINTR)
      return failure(errno);
  }
  return {std::nullopt, "it is larger than 32 MiB"};
}

/// Who but root and the reader could have written a file or directory, and what mends it; ""
/// where nobody could.
std::string distrust(const std::string& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) < 0) return std::string("cannot be read: ") + std::strerror(errno);
  auto refusal = [&](std::string_view who, std::string_view command) {
    return fmt::format("{} can write it, and it names commands that run as root; mend it: {} '{}'",
                       who, command, path);
  };
  if (st.st_uid != 0 && st.st_uid != ::geteuid())
    return refusal("its owner, who is not root,", "chown root");
  if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) return refusal("group or others", "chmod go-w");
  return "";
}

/// Names of the files that count, or the reason why the directory cannot be read.
std::vector<std::string> list(const std::string& directory, std::string& reason) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator entries(directory, error);
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    std::string name = entries->path().filename();
    if (!name.starts_with('.') && name.ends_with(".toml")) names.push_back(name);
  }
  if (error) reason = error.message();
  std::ranges::sort(names);
  return names;
}

PathKind path_kind(const std::string& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) < 0) return errno == EACCES ? PathKind::hidden : PathKind::missing;
  return S_ISDIR(st.st_mode) ? PathKind::directory : PathKind::other;
}

bool others_write_what_root_reads(const std::string& path) {
  struct stat st {};
  if (::geteuid() != 0 || ::stat(path.c_str(), &st) < 0) return false;
  return st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

Host this_machine() {
  return {[](const std::string& user) { return user.empty() ? current_user() : find_user(user); },
          path_kind, read_file, others_write_what_root_reads};
}

void read_one(ConfigFacts& facts, const std::string& path) {
  std::string doubt = is_special(path) ? "is no regular file" : distrust(path);
  Host::Text text = doubt.empty() ? read_file(path) : Host::Text{};
  if (doubt.empty() && !text.content) doubt = "cannot be read: " + text.error;
  if (doubt.empty())
    facts.files.push_back({path, std::move(*text.content)});
  else
    facts.refused.push_back(problem(path, doubt));
}

}  // namespace

ConfigFacts gather_facts(const std::string& directory, const Asking& asking) {
  ConfigFacts facts;
  facts.directory = directory;
  asking("directory '" + directory + "'");
  std::string reason;
  std::vector<std::string> names = list(directory, reason);
  if (reason.empty())
    reason = distrust(directory);
  else
    reason = "cannot be read: " + reason;
  if (!reason.empty()) {
    facts.refused.push_back(problem(directory, reason));
    return facts;
  }
  for (const std::string& name : names) {
    std::string path = (std::filesystem::path(directory) / name).string();
    asking("file '" + path + "'");
    read_one(facts, path);
  }
  ask_what_is_needed(facts, this_machine(), asking);
  return facts;
}

ParsedConfig load_config(const std::string& directory) {
  return parse_config(gather_facts(directory, [](const std::string&) {}));
}

}  // namespace mirrord
