#include "io/inotify.hpp"

#include <fmt/format.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <optional>
#include <utility>

#include "core/id_table.hpp"

namespace mirrord {

namespace {

using Kind = WatchEvent::Kind;

constexpr uint32_t kNames = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB |
                            IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK |
                            IN_MASK_ADD;
// IN_MODIFY also where only closed files count: truncate(2) and an mtime set by itself are
// reported by nothing else.
constexpr uint32_t kContents = kNames | IN_CLOSE_WRITE | IN_MODIFY;

constexpr std::pair<uint32_t, Kind> kKinds[] = {
    {IN_Q_OVERFLOW, Kind::overflow},   {IN_IGNORED, Kind::ignored},
    {IN_UNMOUNT, Kind::unmounted},     {IN_CREATE, Kind::created},
    {IN_MOVED_TO, Kind::moved_in},     {IN_DELETE, Kind::deleted},
    {IN_MOVED_FROM, Kind::moved_out},  {IN_CLOSE_WRITE, Kind::written},
    {IN_MODIFY, Kind::modified},       {IN_ATTRIB, Kind::attributes},
    {IN_DELETE_SELF, Kind::self_gone}, {IN_MOVE_SELF, Kind::self_gone},
};

std::optional<Kind> kind_of(uint32_t mask) {
  for (const auto& [bit, kind] : kKinds)
    if (mask & bit) return kind;
  return std::nullopt;
}

InotifyLimit read_limit(const std::string& directory, const std::string& name) {
  // A file that is missing (user/ before Linux 4.9) sets no limit.
  uint64_t value = 0;
  std::ifstream file("/proc/sys/" + directory + '/' + name);
  if (!(file >> value)) value = std::numeric_limits<uint64_t>::max();
  std::string sysctl = directory + '.' + name;
  std::ranges::replace(sysctl, '/', '.');
  return {sysctl, value};
}

bool is_repeatable(Kind kind) {
  return kind == Kind::created || kind == Kind::modified || kind == Kind::written;
}

bool settles(Kind kind) {
  return kind == Kind::written || kind == Kind::deleted || kind == Kind::moved_out;
}

}  // namespace

InotifyLimit limit_behind(int error) {
  std::string what = error == EMFILE ? "instances" : "watches";
  InotifyLimit machine = read_limit("fs/inotify", "max_user_" + what);
  InotifyLimit own = read_limit("user", "max_inotify_" + what);
  return own.value < machine.value ? own : machine;
}

std::string command_raising(const InotifyLimit& limit, uint64_t more) {
  constexpr uint64_t kLeast = 128;  // the kernel's own default of instances
  constexpr uint64_t kMost = std::numeric_limits<int32_t>::max();  // what such a limit can be
  const uint64_t now = std::min(limit.value, kMost);
  const uint64_t wanted = std::bit_ceil(std::max({now * 2, now + more, kLeast}));
  return fmt::format("sysctl {}={}", limit.name, std::min(wanted, kMost));
}

std::vector<WatchEvent> parse_records(std::span<const std::byte> bytes) {
  std::vector<WatchEvent> events;
  events.reserve(bytes.size() / (2 * sizeof(inotify_event)));
  while (bytes.size() >= sizeof(inotify_event)) {
    inotify_event record;
    std::memcpy(&record, bytes.data(), sizeof record);
    if (bytes.size() - sizeof record < record.len) break;  // the kernel never splits a record
    const char* name = reinterpret_cast<const char*>(bytes.data() + sizeof record);
    if (auto kind = kind_of(record.mask))
      events.push_back({record.wd, *kind, (record.mask & IN_ISDIR) != 0,
                        std::string_view(name, ::strnlen(name, record.len))});
    bytes = bytes.subspan(sizeof record + record.len);
  }
  return events;
}

void drop_repeated(std::vector<WatchEvent>& events,
                   const std::function<bool(const WatchEvent&)>& counts) {
  auto hash = [&](uint32_t id) {
    const WatchEvent& event = events[id - 1];
    return std::hash<std::string_view>{}(event.name) ^ static_cast<size_t>(event.wd);
  };
  IdTable later;  // the place of an event, from 1
  std::vector<bool> repeated(events.size());
  for (size_t i = events.size(); i-- > 0;) {
    const WatchEvent& event = events[i];
    if (event.name.empty()) continue;
    auto id = static_cast<uint32_t>(i + 1);
    bool known = later.find(hash(id), [&](uint32_t other) {
      return events[other - 1].wd == event.wd && events[other - 1].name == event.name;
    }) != 0;
    if (known)
      repeated[i] = is_repeatable(event.kind) && !counts(event);
    else if (settles(event.kind))
      later.insert(id, hash);
  }
  size_t i = 0;
  std::erase_if(events, [&](const WatchEvent&) { return repeated[i++]; });
}

bool Inotify::open() {
  if (fd_) return true;
  fd_ = Fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd_ && !out_of_descriptors(errno)) check_errno(-1, "create an inotify instance");
  buffer_.resize(kReadLimit);
  return static_cast<bool>(fd_);
}

Inotify::Added Inotify::add(const Fd& fd, Interest interest) const {
  return add("/proc/self/fd/" + std::to_string(fd.get()), interest, 0);
}

Inotify::Added Inotify::add(const std::string& directory, Interest interest) const {
  return add(directory, interest, IN_DONT_FOLLOW);
}

Inotify::Added Inotify::add(const std::string& path, Interest interest, uint32_t flags) const {
  if (!fd_) return {-1, EMFILE};
  uint32_t mask = interest == Interest::contents ? kContents : kNames;
  int wd = ::inotify_add_watch(fd_.get(), path.c_str(), mask | flags);
  return {wd, wd < 0 ? errno : 0};
}

void Inotify::remove(int wd) {
  // EINVAL: the kernel was quicker (the directory is gone).
  (void)::inotify_rm_watch(fd_.get(), wd);
}

uint64_t Inotify::unread() const {
  int bytes = 0;
  return fd_ && ::ioctl(fd_.get(), FIONREAD, &bytes) == 0 ? static_cast<uint64_t>(bytes) : 0;
}

std::vector<WatchEvent> Inotify::read() {
  ++reads_;
  ssize_t n = ::read(fd_.get(), buffer_.data(), buffer_.size());
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return {};
  consumed_ += static_cast<uint64_t>(check_errno(static_cast<int>(n), "read inotify events"));
  return parse_records({buffer_.data(), static_cast<size_t>(n)});
}

}  // namespace mirrord
