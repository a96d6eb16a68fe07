// A child process: started without a shell, as a given user, with its input and its last output.
//
// One object is one child. Destroying it kills the child's whole process group, and leaves it to
// the loop to reap; a child whose parent was killed ends, too. The child gets no descriptor but 0,
// 1 and 2, an empty signal mask, default dispositions, its own process group and exactly the
// environment that the caller names: nothing of the service manager's (NOTIFY_SOCKET and the like)
// leaks into rsync, ssh or a remote shell.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "io/event.hpp"
#include "io/handle.hpp"
#include "io/user.hpp"

namespace mirrord {

struct Command {
  std::vector<std::string> argv;         ///< argv[0] is looked up in PATH when it has no slash
  std::vector<std::string> environment;  ///< "NAME=value"
  std::optional<User> user;              ///< change to this user; unset = stay
  std::string input = {};                ///< written to its standard input, then closed
  bool waits_for_input = false;          ///< its standard input stays open for feed()
  bool ignores_hangup = false;           ///< SIGHUP, which "systemctl kill" sends to the whole unit
  size_t output_limit = 16 * 1024;       ///< how much of the end of its output is kept, bytes
  size_t error_limit = 16 * 1024;        ///< the same of its standard error
};

struct ProcessResult {
  ChildExit exit;
  std::string output;  ///< the end of its standard output
  std::string error;   ///< the end of its standard error
  bool output_is_whole = true;
  bool error_is_whole = true;
};

/// Environment of a child that runs as `user`: HOME, USER, LOGNAME, PATH, LC_ALL=C.
std::vector<std::string> child_environment(const User& user);

/// Whatever descriptors this process was started with stay out of its children.
void close_on_exec_above_stderr();

class Process {
 public:
  using Done = std::function<void(ProcessResult)>;

  /// Starts the child. Throws std::system_error naming the step and the program when it cannot.
  Process(Loop& loop, Command command, Done done);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  /// Whether the child has ended and `done` was not called yet.
  bool has_ended() const;
  /// What we have not done about it by `now`, in words that its name goes before; "" = nothing.
  /// `limit`: when it has to be told to end.
  std::string undone(Instant now, std::optional<Instant> limit) const;
  /// The end of what it has printed so far, perhaps twice of what is kept.
  const std::string& output() const { return result_.output; }
  const std::string& error() const { return result_.error; }
  /// Gives a child that waits_for_input all of it, and closes it.
  void feed(std::string input);
  /// Asks the process group to end, and kills it if it has not after 3 s; `done` is called then.
  void terminate();
  void kill();

 private:
  Process(Loop& loop, Done done) : loop_(loop), done_(std::move(done)) {}
  void write_input();
  void drain(Fd& fd, Source& source, std::string& tail);
  size_t limit_of(const std::string& tail) const;
  void cut(std::string& tail);
  void ended(ChildExit exit);
  void out_of_patience();
  void finish();

  static constexpr auto kGrace = std::chrono::seconds(3);
  static constexpr auto kTidyUp = std::chrono::milliseconds(50);

  Loop& loop_;
  Done done_;
  std::string input_;
  size_t written_ = 0;
  size_t output_limit_ = 0;
  size_t error_limit_ = 0;
  ProcessResult result_;
  pid_t pid_ = -1;
  bool terminated_ = false;
  bool killed_ = false;
  bool reaped_ = false;  // its helpers may still be there
  Fd stdin_, stdout_, stderr_;
  Source stdin_source_, stdout_source_, stderr_source_, child_source_, patience_;
};

}  // namespace mirrord
