// The source side of a churn: the trees that a history changes.
//
//   tree        one group mirrors it, a second one as `current`
//   tree/inner  a third group's source, within the first one's
//   out         no source; links lead here, and things are moved in and out
//   other       where `current` may lead instead
//   current ->  tree or other
//
// A World owns the open logs. It does what can be done and leaves the rest, and it keeps to what
// mirrord(8) promises: a file with several names is never changed in place, and what was written
// through a mapping is followed by a close. Sizes differ from operation to operation, so that what
// changed while the daemon was dead can be told by rsync's own comparison.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <vector>

#include "churn/history.hpp"
#include "io/handle.hpp"

namespace mirrord::test {

class World {
 public:
  explicit World(std::filesystem::path root);

  /// False when it is no operation of the world's.
  bool perform(const Operation& operation);
  void close_logs() { logs_.clear(); }

  const std::filesystem::path& root() const { return root_; }

 private:
  struct Place {
    std::filesystem::path a, b;
    unsigned number;
  };
  using Verb = void (World::*)(const Place&);
  static Verb verb_for(Operation::Kind kind);

  void write(const Place& at);
  void append(const Place& at);
  void overwrite(const Place& at);
  void map(const Place& at);
  void hole(const Place& at);
  void truncate(const Place& at);
  void mode(const Place& at);
  void owner(const Place& at);
  void time(const Place& at);
  void directory(const Place& at);
  void fifo(const Place& at);
  void remove(const Place& at);
  void remove_all(const Place& at);
  void rename(const Place& at);
  void swap(const Place& at);
  void link(const Place& at);
  void hard_link(const Place& at);
  void burst(const Place& at);
  void open_log(const Place& at);
  void write_log(const Place& at);
  void close_log(const Place& at);
  void switch_source(const Place& at);

  bool is_open(const struct stat& status) const;
  size_t links() const;

  std::filesystem::path root_;
  std::vector<Fd> logs_;
};

}  // namespace mirrord::test
