// Stands in for rsync: writes down what the daemon gave to this child, then becomes the real rsync.
//
// The record is a line for each fact ("uid 0", "fd 2 /path", "env NAME=VALUE") in the file
// PROGRAM.record beside the program itself, where PROGRAM is how it was called. It appears in one
// piece, replacing that of the run before.
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

void record_identity(std::ostream& out) {
  std::vector<gid_t> groups(static_cast<size_t>(::getgroups(0, nullptr)));
  ::getgroups(static_cast<int>(groups.size()), groups.data());
  out << "uid " << ::getuid() << "\neuid " << ::geteuid() << "\ngid " << ::getgid() << "\negid "
      << ::getegid() << "\ngroups";
  for (const gid_t group : groups) out << ' ' << group;
  out << '\n';
}

void record_signals(std::ostream& out) {
  sigset_t blocked;
  ::sigprocmask(SIG_SETMASK, nullptr, &blocked);
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction action {};
    if (::sigismember(&blocked, number) == 1) out << "blocked " << number << '\n';
    if (::sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN)
      out << "ignored " << number << '\n';
  }
}

void record_descriptors(std::ostream& out) {
  constexpr int kHighest = 1024;
  for (int fd = 0; fd < kHighest; ++fd) {
    std::error_code closed;
    const fs::path target = fs::read_symlink("/proc/self/fd/" + std::to_string(fd), closed);
    if (!closed) out << "fd " << fd << ' ' << target.native() << '\n';
  }
}

void record_surroundings(std::ostream& out, char* const* argv) {
  for (char** entry = environ; *entry; ++entry) out << "env " << *entry << '\n';
  for (; *argv; ++argv) out << "arg " << *argv << '\n';
  out << "pgid " << ::getpgrp() << "\npid " << ::getpid() << '\n';
}

}  // namespace

int main(int, char** argv) {
  const fs::path record = std::string(argv[0]) + ".record";
  const fs::path draft = record.native() + '.' + std::to_string(::getpid());
  // Before the draft is open, which would be a descriptor of its own.
  std::ostringstream descriptors;
  record_descriptors(descriptors);
  {
    std::ofstream out(draft);
    record_identity(out);
    record_signals(out);
    out << descriptors.str();
    record_surroundings(out, argv);
  }
  std::error_code failed;
  fs::rename(draft, record, failed);
  ::execvp("rsync", argv);
  return 127;
}
