#include "io/process.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <system_error>

#include "io/thread_ids.hpp"

namespace mirrord {

namespace {

struct Pipe {
  Fd read;
  Fd write;
};

Pipe make_pipe() {
  int fds[2];
  check_errno(::pipe2(fds, O_CLOEXEC), "create a pipe");
  return {Fd(fds[0]), Fd(fds[1])};
}

void set_nonblocking(const Fd& fd) {
  check_errno(::fcntl(fd.get(), F_SETFL, O_NONBLOCK), "make a pipe non-blocking");
}

std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* path = std::getenv("PATH");
  std::string rest = path ? path : "/usr/local/bin:/usr/bin:/bin";
  for (size_t start = 0; start <= rest.size();) {
    size_t end = std::min(rest.find(':', start), rest.size());
    std::string candidate = rest.substr(start, end - start) + '/' + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    start = end + 1;
  }
  throw std::system_error(ENOENT, std::generic_category(), "start '" + name + "'");
}

std::vector<char*> c_strings(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (const std::string& s : strings) result.push_back(const_cast<char*>(s.c_str()));
  result.push_back(nullptr);
  return result;
}

/// All that the child needs, made before vfork(2): it shares our memory and may not allocate.
struct Launch {
  std::string program;
  std::vector<char*> argv;
  std::vector<char*> environment;
  const User* user = nullptr;
  bool ignores_hangup = false;
  int in = -1, out = -1, err = -1;
  pid_t parent = -1;
  volatile int error = 0;
  const char* volatile failed_step = nullptr;
};

[[noreturn]] void fail(Launch& launch, const char* step) {
  launch.error = errno;
  launch.failed_step = step;
  ::_exit(127);
}

bool change_user(const User& user) {
  return thread_ids::set_groups(user.groups) == 0 && thread_ids::set_gid(user.gid) == 0 &&
         thread_ids::set_uid(user.uid) == 0;
}

[[noreturn]] void run_child(Launch& launch) {
  for (int signal = 1; signal < NSIG; ++signal) (void)::signal(signal, SIG_DFL);
  if (launch.ignores_hangup) (void)::signal(SIGHUP, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  if (::sigprocmask(SIG_SETMASK, &none, nullptr) < 0) fail(launch, "reset the signals for");
  if (::setpgid(0, 0) < 0) fail(launch, "make a process group for");
  if (::dup2(launch.in, 0) < 0 || ::dup2(launch.out, 1) < 0 || ::dup2(launch.err, 2) < 0)
    fail(launch, "connect");
  if (launch.user && !change_user(*launch.user)) fail(launch, "change the user for");
  // After the change of user, which resets it, prctl(2). A parent that was killed cannot end us.
  if (::prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || ::getppid() != launch.parent)
    fail(launch, "tie to its parent");
  if (::chdir("/") < 0) fail(launch, "change to / for");
  ::execve(launch.program.c_str(), launch.argv.data(), launch.environment.data());
  fail(launch, "start");
}

/// vfork: a fork of a daemon with 512 MB takes 7 ms, this 0.1 ms. It returns when the child has
/// left our memory, so that `launch` then holds the child's error, if it had one.
[[gnu::noinline]] pid_t launch_child(Launch& launch) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  pid_t pid = ::vfork();
#pragma GCC diagnostic pop
  if (pid == 0) run_child(launch);
  return pid;
}

/// No handler of ours may run in the child while it shares our memory.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

pid_t start(Launch& launch) {
  pid_t pid;
  {
    SignalsBlocked blocked;
    pid = launch_child(launch);
  }
  check_errno(pid, "create a process for '" + launch.program + "'");
  if (launch.error == 0) return pid;
  ::waitpid(pid, nullptr, 0);
  throw std::system_error(launch.error, std::generic_category(),
                          std::string(launch.failed_step) + " '" + launch.program + "'");
}

}  // namespace

std::vector<std::string> child_environment(const User& user) {
  const char* path = std::getenv("PATH");
  return {"HOME=" + user.home, "USER=" + user.name, "LOGNAME=" + user.name,
          std::string("PATH=") + (path ? path : "/usr/local/bin:/usr/bin:/bin"), "LC_ALL=C"};
}

void close_on_exec_above_stderr() {
  std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir("/proc/self/fd"), ::closedir);
  if (!stream) return;
  while (const dirent* entry = ::readdir(stream.get())) {
    int fd = std::atoi(entry->d_name);
    if (fd > STDERR_FILENO) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
}

// The object is there before the child: whatever fails after its start ends it.
Process::Process(Loop& loop, Command command, Done done) : Process(loop, std::move(done)) {
  input_ = std::move(command.input);
  output_limit_ = command.output_limit;
  error_limit_ = command.error_limit;
  Pipe in = make_pipe(), out = make_pipe(), err = make_pipe();
  Launch launch;
  launch.program = find_program(command.argv.at(0));
  launch.argv = c_strings(command.argv);
  launch.environment = c_strings(command.environment);
  launch.ignores_hangup = command.ignores_hangup;
  if (command.user && command.user->uid != ::geteuid()) launch.user = &*command.user;
  launch.in = in.read.get();
  launch.out = out.write.get();
  launch.err = err.write.get();
  launch.parent = ::getpid();
  pid_ = start(launch);
  stdin_ = std::move(in.write);
  stdout_ = std::move(out.read);
  stderr_ = std::move(err.read);
  for (const Fd* fd : {&stdin_, &stdout_, &stderr_}) set_nonblocking(*fd);
  if (!command.waits_for_input) write_input();
  stdout_source_ = loop.on_io(stdout_.get(), EPOLLIN,
                              [this](uint32_t) { drain(stdout_, stdout_source_, result_.output); });
  stderr_source_ = loop.on_io(stderr_.get(), EPOLLIN,
                              [this](uint32_t) { drain(stderr_, stderr_source_, result_.error); });
  child_source_ = loop.on_child(pid_, [this](ChildExit exit) { ended(exit); });
  patience_ = loop.timer([this] { out_of_patience(); });
}

Process::~Process() {
  child_source_.reset();
  if (pid_ < 0) return;
  kill();
  if (!reaped_) loop_.reap(pid_);
}

bool Process::has_ended() const {
  siginfo_t info{};
  return pid_ > 0 && !reaped_ &&
         ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == pid_;
}

std::string Process::undone(Instant now, std::optional<Instant> limit) const {
  if (has_ended()) return "has ended and was not noticed";
  // What not even SIGKILL ends, deep in the kernel, is not left undone by us.
  bool may_run = !limit || now <= *limit || terminated_ || killed_;
  return may_run ? "" : "has used up its time and was not ended";
}

void Process::terminate() {
  if (pid_ < 0 || terminated_) return;
  terminated_ = true;
  ::kill(-pid_, SIGTERM);
  loop_.arm(patience_, loop_.now() + kGrace);
}

void Process::out_of_patience() {
  if (reaped_) return finish();
  kill();
}

void Process::kill() {
  killed_ = true;
  if (pid_ > 0) ::kill(-pid_, SIGKILL);
}

void Process::feed(std::string input) {
  input_ = std::move(input);
  write_input();
}

void Process::write_input() {
  while (written_ < input_.size()) {
    ssize_t n = ::write(stdin_.get(), input_.data() + written_, input_.size() - written_);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {
      if (!stdin_source_)
        stdin_source_ = loop_.on_io(stdin_.get(), EPOLLOUT, [this](uint32_t) { write_input(); });
      return;
    }
    if (n < 0) break;  // EPIPE: it does not want the rest; its exit status tells why
    written_ += static_cast<size_t>(n);
  }
  stdin_source_.reset();
  stdin_.reset();
  input_ = {};  // a list may be long, and its run, too
}

void Process::drain(Fd& fd, Source& source, std::string& tail) {
  char buffer[4096];
  // Bounded, or a flood from the child would keep the loop from turning.
  for (int rounds = 0; rounds < 64; ++rounds) {
    ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      source.reset();
      return;
    }
    tail.append(buffer, static_cast<size_t>(n));
    // Cut now and then: to move the whole tail for each read would cost its square.
    if (tail.size() > 2 * limit_of(tail)) cut(tail);
  }
}

size_t Process::limit_of(const std::string& tail) const {
  return &tail == &result_.error ? error_limit_ : output_limit_;
}

void Process::cut(std::string& tail) {
  if (tail.size() <= limit_of(tail)) return;
  tail.erase(0, tail.size() - limit_of(tail));
  (&tail == &result_.error ? result_.error_is_whole : result_.output_is_whole) = false;
}

void Process::ended(ChildExit exit) {
  // What it wrote is in the pipes already. Not to their end: a grandchild may hold them open.
  drain(stdout_, stdout_source_, result_.output);
  drain(stderr_, stderr_source_, result_.error);
  cut(result_.output);
  cut(result_.error);
  for (Source* source : {&stdin_source_, &stdout_source_, &stderr_source_, &child_source_})
    source->reset();
  result_.exit = exit;
  reaped_ = true;
  // A receiving rsync that was told to end, too, removes the temporary file that it was writing.
  bool tidies_up = terminated_ && ::kill(-pid_, 0) == 0;
  if (tidies_up) return loop_.arm(patience_, loop_.now() + kTidyUp);
  finish();
}

/// Its helpers (ssh, a receiving rsync) belong to it and end with it.
void Process::finish() {
  kill();
  pid_ = -1;
  Done done = std::move(done_);
  done(std::move(result_));  // may destroy this object
}

}  // namespace mirrord
