#include "io/ssh_master.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "io/runtime_dir.hpp"

namespace mirrord {

SshMaster::SshMaster(Loop& loop, Command command, std::string socket, Duration patience,
                     Listener listener)
    : loop_(loop),
      socket_(std::move(socket)),
      listener_(std::move(listener)),
      deadline_(loop.now() + patience),
      timer_(loop.timer([this] { look(); })),
      user_(command.user ? *command.user : current_user()),
      process_(loop, std::move(command), [this](const ProcessResult& result) {
        ready_ = false;
        auto ended = std::move(listener_.ended);  // it may destroy this object
        ended(result);
      }) {
  loop_.arm(timer_, loop_.now() + kLookInterval);
}

SshMaster::~SshMaster() { remove_runtime_file(user_, socket_); }

std::string SshMaster::undone(Instant now) const {
  std::string what =
      process_.undone(now, ready_ ? std::nullopt : std::optional<Instant>(deadline_));
  return what.empty() ? "" : fmt::format("ssh master {} {}", process_.pid(), what);
}

void SshMaster::look() {
  if (::access(socket_.c_str(), F_OK) == 0) {
    ready_ = true;
    timer_.reset();
    return listener_.ready();
  }
  if (loop_.now() >= deadline_) return process_.kill();
  loop_.arm(timer_, loop_.now() + kLookInterval);
}

}  // namespace mirrord
