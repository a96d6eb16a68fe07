#include "support/ssh_server.hpp"

#include <pwd.h>
#include <shadow.h>
#include <unistd.h>

#include <random>
#include <stdexcept>

#include "support/files.hpp"

namespace mirrord::test {
namespace {

constexpr int kPortAttempts = 20;

/// The home of a session is an empty directory: what the user's own shell start-up files print or
/// how long they take is no part of a test.
constexpr auto* kConfig = R"(@SETTINGS@ListenAddress @ADDRESS@
Port @PORT@
HostKey @HERE@/host_key
AuthorizedKeysFile @HERE@/authorized_keys
SetEnv HOME=@HERE@/home
PidFile none
StrictModes no
UsePAM @PAM@
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
PrintMotd no
UseDNS no
MaxStartups 100
)";

/// Below the ports that the kernel hands out for outgoing connections, ip(7)
/// ip_local_port_range, so that nobody takes it while the server is stopped.
uint16_t random_port() {
  std::random_device device;
  return std::uniform_int_distribution<uint16_t>(10'000, 32'000)(device);
}

void make_key(const fs::path& path) {
  run_ok({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "mirrord-test", "-f", path});
}

/// Without PAM, sshd refuses an account whose password is locked (`!`), key or no key.
bool account_is_locked() {
  const spwd* entry = ::getspnam(login().c_str());
  return entry && entry->sp_pwdp && entry->sp_pwdp[0] == '!';
}

/// sshd started by root insists on its empty directory, which on Debian only the service makes.
void provide_privilege_separation_directory() {
  if (::geteuid() == 0) fs::create_directory("/run/sshd");
}

size_t count(const std::string& text, const std::string& word) {
  size_t found = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
  return found;
}

}  // namespace

std::string login() {
  const passwd* entry = ::getpwuid(::geteuid());
  if (!entry) throw std::runtime_error("the user who runs the test has no passwd entry");
  return entry->pw_name;
}

SshServer::SshServer(std::filesystem::path directory, std::string settings, SshHost host)
    : directory_(std::move(directory)), settings_(std::move(settings)), host_(std::move(host)) {
  fs::create_directories(directory_ / "home");
  provide_privilege_separation_directory();
  make_key(directory_ / "host_key");
  make_key(directory_ / "client_key");
  fs::copy_file(directory_ / "client_key.pub", directory_ / "authorized_keys");
  for (int attempt = 0; attempt < kPortAttempts; ++attempt) {
    port_ = random_port();
    write_config();
    if (listens_on_port()) return;
  }
  throw std::runtime_error("sshd does not start: " + log());
}

SshServer::~SshServer() { stop(); }

void SshServer::stop() {
  if (sshd_) sshd_->kill_tree();
  sshd_.reset();
}

void SshServer::start() {
  if (!wait_until([this] { return listens_on_port(); }))
    throw std::runtime_error("sshd does not start again: " + log());
}

std::string SshServer::log() const { return read_file(directory_ / "log"); }

void SshServer::write_config() const {
  const std::string port = std::to_string(port_);
  write_file(directory_ / "sshd_config",
             filled(kConfig, {{"SETTINGS", settings_},
                              {"ADDRESS", address()},
                              {"PORT", port},
                              {"HERE", directory_},
                              {"PAM", account_is_locked() ? "yes" : "no"}}));
  write_file(directory_ / "known_hosts",
             "[" + address() + "]:" + port + " " + read_file(directory_ / "host_key.pub"));
}

/// Starts it and waits for its own word that the port is its own: another server's answer on that
/// port would prove nothing.
bool SshServer::listens_on_port() {
  const auto sshd = find_program("sshd");  // sshd(8) wants its absolute path
  if (!sshd) throw std::runtime_error("there is no sshd");
  const std::string listening =
      "Server listening on " + address() + " port " + std::to_string(port_);
  const size_t before = count(log(), listening);
  Arguments command = host_.entering;
  command.insert(command.end(), {*sshd, "-D", "-e", "-f", directory_ / "sshd_config"});
  sshd_.emplace(Child::Command{.arguments = std::move(command), .output = directory_ / "log"});
  const auto says_so = [&] { return count(log(), listening) > before; };
  wait_until([&] { return says_so() || !sshd_->running(); });
  if (says_so() && sshd_->running()) return true;
  stop();
  return false;
}

}  // namespace mirrord::test
