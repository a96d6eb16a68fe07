#include "churn/world.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <string>

#include "support/files.hpp"

namespace mirrord::test {
namespace {

using Kind = Operation::Kind;
using Status = struct stat;

constexpr size_t kMostLogs = 4;
/// Few, or their combinations are too many to walk.
constexpr size_t kMostLinks = 4;
constexpr unsigned kBurst = 20;

std::string text(unsigned number) {
  return std::string(number % 3001, static_cast<char>('a' + number % 26));
}

void put(const Fd& file, const std::string& bytes) {
  [[maybe_unused]] const auto written = ::write(file.get(), bytes.data(), bytes.size());
}

/// A file of one name, open to be changed in place; links are followed, nothing is waited for.
Fd open_alone(const fs::path& path, int flags, Status& status) {
  Fd file(::open(path.c_str(), flags | O_NONBLOCK | O_CLOEXEC, 0644));
  const bool alone =
      file && ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1;
  return alone ? std::move(file) : Fd();
}

Fd open_alone(const fs::path& path, int flags) {
  Status status{};
  return open_alone(path, flags, status);
}

/// Whether its attributes may change: those of a file of several names would under each of them.
bool has_one_name(const fs::path& path) {
  Status status{};
  return ::stat(path.c_str(), &status) == 0 && (S_ISDIR(status.st_mode) || status.st_nlink == 1);
}

}  // namespace

World::World(fs::path root) : root_(std::move(root)) {
  for (const auto* place : {"tree", "tree/inner", "other"})
    write_file(root_ / place / "kept", place);  // no source is ever empty
  fs::create_directories(root_ / "out");
  point_link(root_ / "current", "tree");
}

bool World::perform(const Operation& operation) {
  const Verb verb = verb_for(operation.kind);
  if (verb) (this->*verb)({root_ / operation.a, root_ / operation.b, operation.number});
  return verb != nullptr;
}

World::Verb World::verb_for(Kind kind) {
  static const std::map<Kind, Verb> kVerbs{
      {Kind::write, &World::write},
      {Kind::append, &World::append},
      {Kind::overwrite, &World::overwrite},
      {Kind::map, &World::map},
      {Kind::hole, &World::hole},
      {Kind::truncate, &World::truncate},
      {Kind::mode, &World::mode},
      {Kind::owner, &World::owner},
      {Kind::time, &World::time},
      {Kind::directory, &World::directory},
      {Kind::fifo, &World::fifo},
      {Kind::remove, &World::remove},
      {Kind::remove_all, &World::remove_all},
      {Kind::rename, &World::rename},
      {Kind::swap, &World::swap},
      {Kind::link, &World::link},
      {Kind::hard_link, &World::hard_link},
      {Kind::burst, &World::burst},
      {Kind::open_log, &World::open_log},
      {Kind::write_log, &World::write_log},
      {Kind::close_log, &World::close_log},
      {Kind::switch_source, &World::switch_source},
  };
  const auto found = kVerbs.find(kind);
  return found == kVerbs.end() ? nullptr : found->second;
}

void World::write(const Place& at) {
  const Fd file = open_alone(at.a, O_WRONLY | O_CREAT);
  if (!file) return;
  [[maybe_unused]] const int emptied = ::ftruncate(file.get(), 0);
  put(file, text(at.number));
}

void World::append(const Place& at) {
  if (const Fd file = open_alone(at.a, O_WRONLY | O_APPEND)) put(file, text(at.number));
}

void World::overwrite(const Place& at) {
  Status status{};
  const Fd file = open_alone(at.a, O_WRONLY, status);
  if (file) put(file, std::string(static_cast<size_t>(status.st_size % 100'000), '%'));
}

void World::map(const Place& at) {
  constexpr size_t kLength = 8192;
  const Fd file = open_alone(at.a, O_RDWR | O_CREAT);
  if (!file || ::ftruncate(file.get(), kLength + at.number % 1000) != 0) return;
  void* memory = ::mmap(nullptr, kLength, PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (memory == MAP_FAILED) return;
  std::memset(memory, static_cast<int>('A' + at.number % 26), kLength);
  ::munmap(memory, kLength);
}

void World::hole(const Place& at) {
  const Fd file = open_alone(at.a, O_WRONLY | O_CREAT);
  if (file) [[maybe_unused]]
    const auto written = ::pwrite(file.get(), "x", 1, 100'000 + at.number % 100'000);
}

void World::truncate(const Place& at) {
  if (has_one_name(at.a)) [[maybe_unused]]
    const int cut = ::truncate(at.a.c_str(), at.number % 777);
}

void World::mode(const Place& at) {
  constexpr std::array kModes{0700U, 0755U, 0750U, 01777U, 02775U, 0711U};
  if (has_one_name(at.a)) ::chmod(at.a.c_str(), kModes[at.number % kModes.size()]);
}

void World::owner(const Place& at) {
  if (has_one_name(at.a)) [[maybe_unused]]
    const int changed = ::chown(at.a.c_str(), at.number % 3 * 1000, at.number / 3 % 3 * 1000);
}

void World::time(const Place& at) {
  const timespec when{.tv_sec = at.number * 2L, .tv_nsec = at.number % 1'000'000'000};
  const std::array times{when, when};
  if (has_one_name(at.a)) ::utimensat(AT_FDCWD, at.a.c_str(), times.data(), 0);
}

void World::directory(const Place& at) {
  std::error_code refused;
  fs::create_directories(at.a, refused);
}

void World::fifo(const Place& at) { ::mkfifo(at.a.c_str(), 0640); }

void World::remove(const Place& at) {
  std::error_code refused;
  fs::remove(at.a, refused);
}

void World::remove_all(const Place& at) {
  std::error_code refused;
  fs::remove_all(at.a, refused);
}

void World::rename(const Place& at) { ::rename(at.a.c_str(), at.b.c_str()); }

void World::swap(const Place& at) {
  exchange(at.a, at.b);
}

/// Relative or absolute, to a place or anything else, in a new place or over what is there.
void World::link(const Place& at) {
  std::error_code refused;
  if (links() >= kMostLinks && !fs::is_symlink(at.a, refused)) return;
  if (fs::is_directory(fs::symlink_status(at.a, refused))) return;
  const fs::path destination =
      at.number % 3 == 0 ? root_ / *at.b.lexically_relative(root_).begin() : at.b;
  const fs::path text =
      at.number % 2 == 0 ? destination : destination.lexically_relative(at.a.parent_path());
  if (at.number % 5 != 0 || ::unlink(at.a.c_str()) == 0) {
    const fs::path fresh = root_ / "link.new";
    fs::create_symlink(text, fresh, refused);
    fs::rename(fresh, at.a, refused);
    fs::remove(fresh, refused);
  }
}

void World::hard_link(const Place& at) {
  Status status{};
  const bool file = ::lstat(at.a.c_str(), &status) == 0 && S_ISREG(status.st_mode);
  if (file && !is_open(status)) [[maybe_unused]]
    const int linked = ::link(at.a.c_str(), at.b.c_str());
}

void World::burst(const Place& at) {
  for (unsigned i = 0; i < 1 + at.number % kBurst; ++i)
    write({at.a / std::to_string(i), {}, at.number + i});
}

void World::open_log(const Place& at) {
  Status status{};
  Fd file = open_alone(at.a, O_WRONLY | O_APPEND | O_CREAT, status);
  if (!file || is_open(status) || logs_.size() >= kMostLogs) return;
  put(file, text(at.number));
  logs_.push_back(std::move(file));
}

void World::write_log(const Place& at) {
  if (!logs_.empty()) put(logs_[at.number % logs_.size()], text(at.number));
}

void World::close_log(const Place& at) {
  if (!logs_.empty()) logs_.erase(logs_.begin() + at.number % logs_.size());
}

/// As a release is switched: atomically.
void World::switch_source(const Place&) {
  const fs::path now = fs::read_symlink(root_ / "current");
  point_link(root_ / "current", now == "tree" ? "other" : "tree");
}

bool World::is_open(const Status& status) const {
  return std::ranges::any_of(logs_, [&](const Fd& log) {
    Status one{};
    return ::fstat(log.get(), &one) == 0 && one.st_ino == status.st_ino &&
           one.st_dev == status.st_dev;
  });
}

size_t World::links() const {
  size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(root_))
    if (entry.is_symlink()) ++count;
  return count;
}

}  // namespace mirrord::test
