#include "support/child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <set>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "support/files.hpp"

namespace mirrord::test {
namespace {

constexpr std::array kFromOutside = {"NOTIFY_SOCKET",
                                     "WATCHDOG_USEC",
                                     "WATCHDOG_PID",
                                     "LISTEN_FDS",
                                     "LISTEN_PID",
                                     "LISTEN_FDNAMES",
                                     "JOURNAL_STREAM",
                                     "INVOCATION_ID",
                                     "SSH_AUTH_SOCK",
                                     "DBUS_SESSION_BUS_ADDRESS",
                                     "DBUS_SYSTEM_BUS_ADDRESS",
                                     "RUNTIME_DIRECTORY",
                                     "STATE_DIRECTORY"};

std::vector<std::string> merged_environment(const Environment& additions) {
  Environment all;
  for (char** entry = environ; *entry; ++entry) {
    const std::string text = *entry;
    all[text.substr(0, text.find('='))] = text.substr(text.find('=') + 1);
  }
  for (const char* name : kFromOutside) all.erase(name);
  for (const auto& [name, value] : additions) all[name] = value;

  std::vector<std::string> lines;
  for (const auto& [name, value] : all) lines.push_back(name + '=' + value);
  return lines;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (auto& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

int open_log(const std::filesystem::path& path) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

/// Runs in the new process: nothing in here allocates or returns.
[[noreturn]] void become(const Child::Command& command, char* const* argv, char* const* envp) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int input = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int output = open_log(command.output);
  const int errors = command.errors.empty() ? output : open_log(command.errors);
  const bool ready = ::dup2(input, 0) == 0 && ::dup2(output, 1) == 1 && ::dup2(errors, 2) == 2 &&
                     (command.directory.empty() || ::chdir(command.directory.c_str()) == 0);
  if (ready) ::execvpe(argv[0], argv, envp);
  ::dprintf(2, "%s: cannot be started: %s\n", argv[0], ::strerror(errno));
  ::_exit(127);
}

int exit_status(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

/// The fields after the command name, which may hold spaces and brackets itself; proc(5).
std::istringstream stat_fields(const std::string& pid) {
  const std::string text = read_file("/proc/" + pid + "/stat");
  const auto bracket = text.rfind(')');
  return std::istringstream(bracket == std::string::npos ? "" : text.substr(bracket + 1));
}

}  // namespace

Child::Child(Command command) : command_(std::move(command)) {
  auto arguments = command_.arguments;
  auto environment = merged_environment(command_.environment);
  const auto argv = pointers(arguments);
  const auto envp = pointers(environment);
  pid_ = ::fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid_ == 0) become(command_, argv.data(), envp.data());
  ::setpgid(pid_, pid_);
}

Child::~Child() {
  if (!running()) return;
  signal(SIGTERM);
  if (!wait(command_.grace)) kill_tree();
}

bool Child::running() {
  if (status_) return false;
  int wait_status = 0;
  if (::waitpid(pid_, &wait_status, WNOHANG) != pid_) return true;
  status_ = exit_status(wait_status);
  return false;
}

void Child::signal(int number) const {
  if (!status_) ::kill(pid_, number);
}

std::optional<int> Child::wait(milliseconds limit) {
  wait_until([this] { return !running(); }, limit);
  return status_;
}

void Child::kill_tree() {
  if (!running()) return;
  // Stopped first, so that none of them can start another one unseen.
  std::set<pid_t> stopped;
  std::vector<pid_t> all{pid_};
  while (stopped.size() < all.size()) {
    for (const pid_t pid : all)
      if (stopped.insert(pid).second) ::kill(pid, SIGSTOP);
    all = descendants(pid_);
    all.push_back(pid_);
  }
  for (const pid_t pid : stopped) ::kill(pid, SIGKILL);
  wait_until([&] { return !running() && std::ranges::none_of(stopped, process_exists); });
}

std::string Child::output() const { return read_file(command_.output); }

Finished run(const Arguments& arguments, const Environment& environment, milliseconds limit) {
  const TempDir dir;
  Child child({.arguments = arguments,
               .environment = environment,
               .output = dir / "out",
               .errors = dir / "err"});
  const auto status = child.wait(limit);
  if (!status) child.kill_tree();
  return {status.value_or(-1), read_file(dir / "out"), read_file(dir / "err")};
}

std::string run_ok(const Arguments& arguments) {
  const Finished finished = run(arguments);
  if (finished.status == 0) return finished.out;
  throw std::runtime_error(arguments.front() + " exited " + std::to_string(finished.status) + ": " +
                           finished.out + finished.err);
}

std::vector<pid_t> descendants(pid_t parent) {
  std::multimap<pid_t, pid_t> children;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    char state = 0;
    pid_t its_parent = 0;
    if (stat_fields(name) >> state >> its_parent) children.emplace(its_parent, std::stoi(name));
  }
  std::vector<pid_t> found{parent};
  for (size_t i = 0; i < found.size(); ++i) {
    const auto [begin, end] = children.equal_range(found[i]);
    std::for_each(begin, end, [&](const auto& pair) { found.push_back(pair.second); });
  }
  found.erase(found.begin());
  return found;
}

bool process_exists(pid_t pid) {
  char state = 0;
  return (stat_fields(std::to_string(pid)) >> state) && state != 'Z';
}

std::optional<std::string> find_program(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream directories(std::string(path ? path : "") + ":/usr/sbin:/sbin");
  for (std::string directory; std::getline(directories, directory, ':');) {
    const std::string candidate = directory + '/' + program;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return std::nullopt;
}

}  // namespace mirrord::test
