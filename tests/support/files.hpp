// Small things that tests do with files, each throwing std::system_error when it cannot.
//
// Names are bytes here as everywhere in mirrord: std::filesystem::path carries them unchanged.
// Nothing in here follows a link that the caller did not name.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace mirrord::test {

namespace fs = std::filesystem;

/// A directory of its own, directly below /tmp because socket paths are short (unix(7): 108
/// bytes), open to other users because some tests run children as one. Removed with all that is in
/// it at the end, unless MIRRORD_TEST_KEEP is set in the environment.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const fs::path& path() const { return path_; }
  fs::path operator/(const fs::path& name) const { return path_ / name; }

 private:
  fs::path path_;
};

/// Creates or truncates; the directories above it are made when missing.
void write_file(const fs::path& path, std::string_view content);
void append_file(const fs::path& path, std::string_view content);

/// renameat2(2) with RENAME_EXCHANGE; false where it cannot, as before Linux 3.15.
bool exchange(const fs::path& a, const fs::path& b);

/// An executable file with this text, for example a program in place of rsync.
void write_script(const fs::path& path, std::string_view text);

/// The whole content, "" when there is no such file.
std::string read_file(const fs::path& path);

void change_mode(const fs::path& path, mode_t mode);

/// As `ln -sfn`: the link itself is replaced, atomically.
void point_link(const fs::path& link, const fs::path& destination);

/// A template with each @NAME@ replaced by its value.
std::string filled(std::string text, const std::map<std::string, std::string>& values);

/// Control characters, backslashes and all bytes beyond ASCII as \n and \xHH.
std::string escaped(std::string_view bytes);

}  // namespace mirrord::test
