// The command lines of core/rsync against the installed rsync, from one local directory to another.
#pragma once

#include <string>
#include <vector>

#include "core/outcome.hpp"
#include "core/rsync.hpp"
#include "io/event.hpp"
#include "io/process.hpp"
#include "support/files.hpp"

namespace mirrord::test {

/// A source, a target and the group that joins them. Its paths are "src/…" and "dst/…" of a
/// directory of its own.
class Mirror {
 public:
  Mirror();

  /// Runs one transfer; the paths are those that changed, as the engine would name them.
  ProcessResult run(Transfer transfer, const std::vector<std::string>& changed = {});
  Outcome outcome_of(const ProcessResult& result) const;
  /// The same in which anything but success fails the test.
  Outcome sync(const Transfer& transfer, const std::vector<std::string>& changed = {});

  fs::path src(const fs::path& path = "") const { return below("src", path); }
  fs::path dst(const fs::path& path = "") const { return below("dst", path); }
  std::string sent(const fs::path& path) const { return read_file(dst(path)); }
  bool has(const fs::path& path) const { return fs::exists(fs::symlink_status(dst(path))); }

  Group group;
  Target target;

 private:
  fs::path below(const char* top, const fs::path& path) const {
    return path.empty() ? dir_ / top : dir_ / top / path;
  }
  TempDir dir_;
  Loop loop_;
};

}  // namespace mirrord::test
