#include "ctl/run_command.hpp"

#include <signal.h>

#include <cstdlib>

#include "core/escape.hpp"
#include "io/event.hpp"

namespace mirrord {

namespace {

constexpr auto kPatience = std::chrono::minutes(1);

}  // namespace

std::string Ran::complaint() const {
  return escape(result.error.substr(0, result.error.find('\n')));
}

Ran run_command(const User& user, std::vector<std::string> argv) {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child, nullptr);  // as Loop::on_child() wants it
  ::signal(SIGPIPE, SIG_IGN);

  Ran ran;
  Loop loop;
  Command command;
  command.argv = std::move(argv);
  command.environment = child_environment(user);
  command.user = user;
  Instant start = loop.now();
  Process process(loop, std::move(command), [&](const ProcessResult& result) {
    ran.result = result;
    loop.stop(EXIT_SUCCESS);
  });
  Source timer = loop.timer([&] {
    ran.in_time = false;
    process.kill();
  });
  loop.arm(timer, start + kPatience);
  loop.run();
  ran.duration = loop.now() - start;
  return ran;
}

}  // namespace mirrord
