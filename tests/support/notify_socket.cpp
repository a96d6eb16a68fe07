#include "support/notify_socket.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <sstream>
#include <system_error>

namespace mirrord::test {

NotifySocket::NotifySocket(std::filesystem::path path) : path_(std::move(path)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.native().size() >= sizeof address.sun_path)
    throw std::length_error("too long for a socket: " + path_.native());
  path_.native().copy(address.sun_path, sizeof address.sun_path - 1);
  ::unlink(path_.c_str());
  socket_ = Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_ ||
      ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::system_error(errno, std::generic_category(), "bind '" + path_.native() + "'");
}

const std::vector<std::string>& NotifySocket::assignments() {
  std::array<char, 4096> buffer;
  for (ssize_t size; (size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0)) > 0;) {
    std::istringstream lines(std::string(buffer.data(), static_cast<size_t>(size)));
    for (std::string line; std::getline(lines, line);) assignments_.push_back(line);
  }
  return assignments_;
}

size_t NotifySocket::count(const std::string& assignment) {
  return static_cast<size_t>(std::ranges::count(assignments(), assignment));
}

std::string NotifySocket::last(const std::string& name) {
  std::string value;
  for (const auto& assignment : assignments())
    if (assignment.starts_with(name + '=')) value = assignment.substr(name.size() + 1);
  return value;
}

}  // namespace mirrord::test
