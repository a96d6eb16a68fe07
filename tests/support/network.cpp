#include "support/network.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <system_error>

namespace mirrord::test {
namespace {

constexpr auto* kTun = "/dev/net/tun";
constexpr auto* kOwnNamespace = "/proc/thread-self/ns/net";

struct Tun {
  Fd fd;
  ifreq name{};
};

/// In the namespace of the calling thread.
Tun make_tun() {
  Tun tun{Fd(check_errno(::open(kTun, O_RDWR | O_NONBLOCK | O_CLOEXEC), kTun))};
  tun.name.ifr_flags = IFF_TUN | IFF_NO_PI;
  std::strcpy(tun.name.ifr_name, "mirrord%d");  // the kernel puts a free number in
  check_errno(::ioctl(tun.fd.get(), TUNSETIFF, &tun.name), "make a TUN device");
  return tun;
}

/// netdevice(7), in the namespace of the calling thread.
void configure(unsigned long request, ifreq device) {
  const Fd socket(check_errno(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "make a socket"));
  check_errno(::ioctl(socket.get(), request, &device), "configure a network device");
}

void bring_up(ifreq device) {
  device.ifr_flags = IFF_UP;
  configure(SIOCSIFFLAGS, device);
}

ifreq with_address(ifreq device, in_addr_t address) {
  const sockaddr_in value{AF_INET, 0, {htonl(address)}, {}};
  std::memcpy(&device.ifr_addr, &value, sizeof value);
  return device;
}

void connect(const Tun& tun, in_addr_t own, in_addr_t peer) {
  configure(SIOCSIFADDR, with_address(tun.name, own));
  configure(SIOCSIFDSTADDR, with_address(tun.name, peer));
  bring_up(tun.name);
}

std::string text_of(in_addr_t address) {
  const in_addr value{htonl(address)};
  return ::inet_ntoa(value);
}

/// The calling thread is in a new network namespace for as long as this lives.
class InNewNamespace {
 public:
  InNewNamespace() : before_(open_own()) {
    check_errno(::unshare(CLONE_NEWNET), "make a network namespace");
  }
  ~InNewNamespace() { ::setns(before_.get(), CLONE_NEWNET); }
  InNewNamespace(const InNewNamespace&) = delete;
  InNewNamespace& operator=(const InNewNamespace&) = delete;

  static Fd open_own() {
    return Fd(check_errno(::open(kOwnNamespace, O_RDONLY | O_CLOEXEC), kOwnNamespace));
  }

 private:
  Fd before_;
};

}  // namespace

std::optional<std::string> Network::unavailable() {
  if (::geteuid() != 0) return "only root can make a network";
  if (::access(kTun, R_OK | W_OK) != 0) return std::string(kTun) + ": " + std::strerror(errno);
  if (!find_program("nsenter")) return "nsenter is not installed";
  try {
    const InNewNamespace there;
    make_tun();
  } catch (const std::system_error& e) {
    return e.what();
  }
  return std::nullopt;
}

Network::Network() : wake_(check_errno(::eventfd(0, EFD_CLOEXEC), "make an eventfd")) {
  Tun here = make_tun();
  // 198.18.0.0/15 is for tests of networks, RFC 2544. The number of our end is nobody else's.
  const auto number =
      static_cast<in_addr_t>(std::atoi(here.name.ifr_name + std::strlen("mirrord")));
  const in_addr_t own = 0xc6120001 + number * 4, peer = own + 1;
  connect(here, own, peer);
  address_ = text_of(peer);
  {
    const InNewNamespace scope;
    namespace_ = InNewNamespace::open_own();
    Tun there = make_tun();
    connect(there, peer, own);
    ifreq loopback{};
    std::strcpy(loopback.ifr_name, "lo");
    bring_up(loopback);
    there_ = std::move(there.fd);
  }
  here_ = std::move(here.fd);
  relay_ = std::thread([this] { relay(); });
}

Network::~Network() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ::eventfd_write(wake_.get(), 1);
  relay_.join();
}

void Network::set(Line line) {
  const std::lock_guard lock(mutex_);
  line_ = line;
}

size_t Network::lost() const {
  const std::lock_guard lock(mutex_);
  return lost_;
}

Arguments Network::entering() const {
  const std::string file =
      "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(namespace_.get());
  return {"nsenter", "--net=" + file, "--"};
}

void Network::relay() {
  const auto stopping = [this] {
    const std::lock_guard lock(mutex_);
    return stopping_;
  };
  while (!stopping()) {
    pollfd ends[] = {{here_.get(), POLLIN, 0}, {there_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    const auto wait = until_due();
    ::poll(ends, std::size(ends), wait ? static_cast<int>(wait->count()) : -1);
    if (ends[0].revents) accept(here_.get(), there_.get());
    if (ends[1].revents) accept(there_.get(), here_.get());
    deliver();
  }
}

std::optional<milliseconds> Network::until_due() const {
  if (packets_.empty()) return std::nullopt;
  const auto wait = std::chrono::ceil<milliseconds>(packets_.front().due - Clock::now());
  return std::max(wait, milliseconds(0));
}

void Network::accept(int from, int to) {
  constexpr size_t kLargest = 1500;  // a TUN device's MTU
  std::vector<std::byte> bytes(kLargest);
  const ssize_t size = ::read(from, bytes.data(), bytes.size());
  if (size <= 0) return;
  bytes.resize(static_cast<size_t>(size));
  const std::lock_guard lock(mutex_);
  if (std::bernoulli_distribution(line_.loss)(random_))
    ++lost_;
  else
    packets_.push_back({Clock::now() + line_.delay, to, std::move(bytes)});
}

/// In the order of their coming: on a line nobody overtakes.
void Network::deliver() {
  for (; !packets_.empty() && packets_.front().due <= Clock::now(); packets_.pop_front()) {
    const auto& [due, to, bytes] = packets_.front();
    // What does not fit is lost, as it is elsewhere.
    if (::write(to, bytes.data(), bytes.size()) < 0) continue;
  }
}

}  // namespace mirrord::test
