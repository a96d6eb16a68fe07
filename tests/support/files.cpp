#include "support/files.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <iostream>
#include <iterator>
#include <system_error>

namespace mirrord::test {
namespace {

[[noreturn]] void fail(const char* verb, const fs::path& path) {
  throw std::system_error(errno, std::generic_category(),
                          std::string(verb) + " '" + escaped(path.native()) + "'");
}

void put(const fs::path& path, std::string_view content, std::ios::openmode mode) {
  std::ofstream file(path, std::ios::binary | mode);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  if (!file.flush()) fail("write", path);
}

}  // namespace

TempDir::TempDir() {
  std::string name = "/tmp/mirrord-XXXXXX";
  if (!::mkdtemp(name.data())) fail("create", name);
  path_ = name;
  change_mode(path_, 0755);
}

TempDir::~TempDir() {
  if (std::getenv("MIRRORD_TEST_KEEP")) {
    std::cerr << "kept: " << path_.native() << '\n';
    return;
  }
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void write_file(const fs::path& path, std::string_view content) {
  fs::create_directories(path.parent_path());
  put(path, content, std::ios::trunc);
}

void append_file(const fs::path& path, std::string_view content) {
  put(path, content, std::ios::app);
}

bool exchange(const fs::path& a, const fs::path& b) {
  // glibc 2.17 has no function of it.
  return ::syscall(SYS_renameat2, AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0;
}

void write_script(const fs::path& path, std::string_view text) {
  write_file(path, text);
  change_mode(path, 0755);
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  // operator<< catches what reading throws: /proc/PID/stat ends with its process.
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

void change_mode(const fs::path& path, mode_t mode) {
  if (::chmod(path.c_str(), mode) != 0) fail("chmod", path);
}

void point_link(const fs::path& link, const fs::path& destination) {
  const fs::path fresh = link.native() + ".new";
  fs::create_symlink(destination, fresh);
  fs::rename(fresh, link);
}

std::string filled(std::string text, const std::map<std::string, std::string>& values) {
  for (const auto& [name, value] : values) {
    const std::string slot = '@' + name + '@';
    for (auto at = text.find(slot); at != std::string::npos; at = text.find(slot, at))
      text.replace(at, slot.size(), value);
  }
  return text;
}

std::string escaped(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      text += "\\n";
    } else if (c == '\\') {
      text += "\\\\";
    } else if (byte < 0x20 || byte >= 0x7f) {
      std::array<char, 5> hex{};
      std::snprintf(hex.data(), hex.size(), "\\x%02x", byte);
      text += hex.data();
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace mirrord::test
