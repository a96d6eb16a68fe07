#include "ctl/run_command.hpp"

#include <signal.h>

#include <cstdlib>

#include "io/event.hpp"

namespace mirrord {

Ran run_command(const User& user, std::vector<std::string> argv, Duration limit) {
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
  loop.arm(timer, start + limit);
  loop.run();
  ran.duration = loop.now() - start;
  return ran;
}

}  // namespace mirrord
