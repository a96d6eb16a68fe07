#include "ctl/service_view.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <filesystem>
#include <system_error>

#include "io/resolve.hpp"

namespace mirrord {

namespace fs = std::filesystem;

namespace {

/// Of the path, or the nearest directory above it that exists.
bool is_read_only(fs::path path) {
  std::error_code ignored;
  while (!fs::exists(path, ignored) && path.has_relative_path()) path = path.parent_path();
  struct statvfs system {};
  return ::statvfs(path.c_str(), &system) == 0 && (system.f_flag & ST_RDONLY) != 0;
}

}  // namespace

std::optional<ServiceView> ServiceView::of(pid_t service) {
  const std::string process = "/proc/" + std::to_string(service);
  std::error_code error;
  const fs::path its_own = fs::read_symlink(process + "/ns/mnt", error);
  if (error || its_own == fs::read_symlink("/proc/self/ns/mnt", error)) return std::nullopt;
  return ServiceView(process + "/root");
}

/// Free of links: an absolute one would lead back to what we see.
std::string ServiceView::there(const std::string& path) const {
  return root_ + resolve("/", path).last_seen();
}

bool ServiceView::is_read_only(const std::string& path) const {
  return mirrord::is_read_only(there(path)) && !mirrord::is_read_only(path);
}

bool ServiceView::differs(const std::string& path) const {
  struct stat here {
  }, its{};
  const bool exists = ::stat(path.c_str(), &here) == 0;
  if (::stat(there(path).c_str(), &its) < 0) return exists;
  return exists && (here.st_dev != its.st_dev || here.st_ino != its.st_ino);
}

}  // namespace mirrord
