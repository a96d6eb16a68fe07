// A real sshd, on the loopback address or on the host of a Network: one target host of a test.
//
// It owns its keys (host and client, ed25519), its known_hosts file, its port and its process, all
// below one directory. Only the user who runs the test can log in, and only with the client key.
// stop() is what a power failure looks like from outside: the server *and* its open sessions end at
// once. start() brings it back on the same port with the same keys.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "support/child.hpp"

namespace mirrord::test {

/// Where a server runs.
struct SshHost {
  std::string address = "127.0.0.1";
  Arguments entering = {};  ///< before a command that is to run there
};

class SshServer {
 public:
  /// Keeps its files in `directory`, which it creates, and accepts connections on return.
  /// `settings` are lines of sshd_config(5) that win over its own.
  explicit SshServer(std::filesystem::path directory, std::string settings = "", SshHost host = {});
  ~SshServer();
  SshServer(const SshServer&) = delete;
  SshServer& operator=(const SshServer&) = delete;

  void stop();
  void start();

  const std::string& address() const { return host_.address; }
  uint16_t port() const { return port_; }
  std::filesystem::path identity_file() const { return directory_ / "client_key"; }
  std::filesystem::path known_hosts_file() const { return directory_ / "known_hosts"; }
  std::filesystem::path authorized_keys_file() const { return directory_ / "authorized_keys"; }
  std::string log() const;
  pid_t pid() const { return sshd_->pid(); }

 private:
  void write_config() const;
  bool listens_on_port();

  std::filesystem::path directory_;
  std::string settings_;
  SshHost host_;
  uint16_t port_ = 0;
  std::optional<Child> sshd_;
};

/// The user who runs the test, who is also the only one who can log in.
std::string login();

}  // namespace mirrord::test
