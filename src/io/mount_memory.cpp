#include "io/mount_memory.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <utility>

#include "core/escape.hpp"
#include "io/log.hpp"

namespace mirrord {

namespace {

/// systemd.exec(5) names several, separated by colons, when the unit does; before 235 none.
std::string state_directory() {
  const char* given = std::getenv("STATE_DIRECTORY");
  const std::string path = given ? std::string(given).substr(0, std::string(given).find(':')) : "";
  return path.empty() ? "/var/lib/mirrord" : path;
}

bool write_durably(const std::string& path, const std::string& text) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "we"),
                                                             std::fclose);
  return file && std::fwrite(text.data(), 1, text.size(), file.get()) == text.size() &&
         std::fflush(file.get()) == 0 && ::fsync(::fileno(file.get())) == 0;
}

}  // namespace

MountMemory::MountMemory(bool writes) : file_(state_directory() + "/mounts"), writes_(writes) {
  std::ifstream file(file_, std::ios::binary);
  for (std::string path; std::getline(file, path, '\0');) known_.insert(path);
}

void MountMemory::remember(std::set<std::string> mount_points) {
  if (std::exchange(known_, std::move(mount_points)) != known_ && writes_) write();
}

void MountMemory::write() const {
  ::mkdir(state_directory().c_str(), 0700);  // as StateDirectory= does where systemd knows it
  const std::string fresh = file_ + ".new";
  std::string text;
  for (const std::string& path : known_) text += path + '\0';
  if (write_durably(fresh, text) && std::rename(fresh.c_str(), file_.c_str()) == 0) return;
  log::write(LogLevel::warning,
             fmt::format("'{}' cannot be written: {}; a file system that is missing at the next "
                         "start will be taken for an emptied directory",
                         escape(file_), std::strerror(errno)));
}

}  // namespace mirrord
