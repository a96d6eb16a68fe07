// Programs that a test runs: to their end, or beside the test for as long as an object lives.
//
// A Child owns one process, started in a process group of its own with an empty signal mask, with
// /dev/null as its input and a log file for what it says. It dies with the object, and with the
// test should that be killed. Its environment is the test's without what would let the outside in
// (NOTIFY_SOCKET, the ssh agent, the user's bus), plus what the caller adds. There is no shell:
// a command is a list of arguments.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "support/wait.hpp"

namespace mirrord::test {

using Arguments = std::vector<std::string>;
using Environment = std::map<std::string, std::string>;

class Child {
 public:
  struct Command {
    Arguments arguments;  ///< the program first; looked up in PATH when it has no slash
    Environment environment = {};
    std::filesystem::path output;          ///< appended to
    std::filesystem::path errors = {};     ///< empty = the same file as the output
    std::filesystem::path directory = {};  ///< working directory, empty = the test's
    milliseconds grace{2000};              ///< from TERM to KILL when the object ends
  };

  explicit Child(Command command);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  bool running();
  void signal(int number) const;

  /// The exit status as a shell shows it (128 + N for signal N, 127 when there is no such
  /// program); nothing when it still runs after `limit`.
  std::optional<int> wait(milliseconds limit = kPatience);

  /// Kills it and everything below it, sessions and process groups of their own included, and
  /// returns when they are gone.
  void kill_tree();

  std::string output() const;

 private:
  Command command_;
  pid_t pid_ = -1;
  std::optional<int> status_;
};

struct Finished {
  int status = -1;  ///< as Child::wait(), -1 when it had to be killed
  std::string out;
  std::string err;
};

/// Runs a command to its end, and kills it when it does not come to one.
Finished run(const Arguments& arguments, const Environment& environment = {},
             milliseconds limit = kPatience);

/// As run(), but throws with what it said when it fails; for commands that only prepare.
std::string run_ok(const Arguments& arguments);

/// Every process that descends from `parent`, as /proc/PID/stat tells; proc(5).
std::vector<pid_t> descendants(pid_t parent);

bool process_exists(pid_t pid);

/// Whether `program` is in PATH, or in the sbin directories that an ordinary user's PATH lacks.
std::optional<std::string> find_program(const std::string& program);

}  // namespace mirrord::test
