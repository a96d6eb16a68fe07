// What main() arranges for the daemon, signal(7): signals that the loop reads are blocked, and a
// closed pipe is an error of write(2).
#include <gtest/gtest.h>
#include <signal.h>

namespace {

class Signals : public testing::Environment {
 public:
  void SetUp() override {
    sigset_t blocked;
    sigemptyset(&blocked);
    for (int signal : {SIGCHLD, SIGTERM, SIGHUP, SIGUSR1}) sigaddset(&blocked, signal);
    sigprocmask(SIG_BLOCK, &blocked, nullptr);
    signal(SIGPIPE, SIG_IGN);
  }
};

[[maybe_unused]] const auto* const signals = testing::AddGlobalTestEnvironment(new Signals);

}  // namespace
