#include "io/ssh_master.hpp"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <filesystem>

namespace mirrord {

namespace {

/// Watches the directory of `socket` for new names, before anybody can make one.
Fd watch_directory_of(const std::string& socket) {
  ::unlink(socket.c_str());
  Fd inotify(check_errno(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC), "create an inotify instance"));
  std::string directory = std::filesystem::path(socket).parent_path();
  check_errno(::inotify_add_watch(inotify.get(), directory.c_str(), IN_CREATE | IN_MOVED_TO),
              "watch '" + directory + "'");
  return inotify;
}

}  // namespace

SshMaster::SshMaster(Loop& loop, Command command, std::string socket, Duration patience,
                     Listener listener)
    : socket_(std::move(socket)),
      listener_(std::move(listener)),
      inotify_(watch_directory_of(socket_)),
      inotify_source_(loop.on_io(inotify_.get(), EPOLLIN, [this](uint32_t) { look(); })),
      patience_(loop.timer([this] { process_.kill(); })),
      process_(loop, std::move(command), [this](const ProcessResult& result) {
        ready_ = false;
        auto ended = std::move(listener_.ended);  // it may destroy this object
        ended(result);
      }) {
  loop.arm(patience_, loop.now() + patience);
}

SshMaster::~SshMaster() { ::unlink(socket_.c_str()); }

void SshMaster::look() {
  char records[4096];
  while (::read(inotify_.get(), records, sizeof records) > 0) continue;
  if (::access(socket_.c_str(), F_OK) < 0) return;
  ready_ = true;
  patience_.reset();
  inotify_source_.reset();
  inotify_.reset();
  listener_.ready();
}

}  // namespace mirrord
