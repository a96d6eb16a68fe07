#include "churn/history.hpp"

#include <array>
#include <random>

#include "support/files.hpp"

namespace mirrord::test {
namespace {

using Kind = Operation::Kind;

struct Row {
  Kind kind;
  const char* name;
  unsigned weight;
  int paths;            ///< how many it takes
  bool places = false;  ///< a place itself will do
};

constexpr std::array kRows{
    Row{Kind::write, "write", 20, 1},
    Row{Kind::append, "append", 6, 1},
    Row{Kind::overwrite, "overwrite", 8, 1},
    Row{Kind::map, "map", 4, 1},
    Row{Kind::hole, "hole", 2, 1},
    Row{Kind::truncate, "truncate", 2, 1},
    Row{Kind::mode, "mode", 6, 1, true},
    Row{Kind::owner, "owner", 3, 1, true},
    Row{Kind::time, "time", 5, 1, true},
    Row{Kind::directory, "directory", 12, 1},
    Row{Kind::fifo, "fifo", 2, 1},
    Row{Kind::remove, "remove", 6, 1},
    Row{Kind::remove_all, "remove_all", 5, 1},
    Row{Kind::rename, "rename", 18, 2},
    Row{Kind::swap, "swap", 8, 2},
    Row{Kind::link, "link", 8, 2},
    Row{Kind::hard_link, "hard_link", 4, 2},
    Row{Kind::burst, "burst", 5, 1},
    Row{Kind::open_log, "open_log", 3, 1},
    Row{Kind::write_log, "write_log", 4, 0},
    Row{Kind::close_log, "close_log", 3, 0},
    Row{Kind::switch_source, "switch_source", 1, 0},
    Row{Kind::breathe, "breathe", 24, 0},
    Row{Kind::kill_child, "kill_child", 5, 0},
    Row{Kind::kill_session, "kill_session", 3, 0},
    Row{Kind::kill_daemon, "kill_daemon", 1, 0},
    Row{Kind::freeze, "freeze", 2, 0},
    Row{Kind::break_rsync, "break_rsync", 3, 0},
    Row{Kind::mend_rsync, "mend_rsync", 3, 0},
    Row{Kind::stop_server, "stop_server", 1, 0},
    Row{Kind::start_server, "start_server", 1, 0},
    Row{Kind::reload, "reload", 1, 0},
    Row{Kind::full_sync, "full_sync", 2, 0},
    Row{Kind::pause, "pause", 1, 0},
    Row{Kind::resume, "resume", 1, 0},
    Row{Kind::judge, "judge", 0, 0},
};

constexpr std::array kPlaces{"tree", "tree/inner", "out", "other"};
constexpr std::array kNames{"a", "b", "c", "d]", "[e", "f*", "g\\", "h\n", "-i", "\xff", " j"};

class Author {
 public:
  explicit Author(unsigned seed) : random_(seed) {}

  Operation next() {
    const Row& row = any_row();
    Operation operation{.kind = row.kind, .number = below(1U << 30)};
    if (row.paths > 0) operation.a = path(row.places);
    if (row.paths > 1) operation.b = path(false);
    return operation;
  }

 private:
  unsigned below(size_t limit) { return static_cast<unsigned>(random_() % limit); }

  const Row& any_row() {
    unsigned total = 0;
    for (const Row& row : kRows) total += row.weight;
    unsigned left = below(total);
    for (const Row& row : kRows) {
      if (left < row.weight) return row;
      left -= row.weight;
    }
    return kRows.back();
  }

  /// Most often one or two names below one of the places.
  std::filesystem::path path(bool places) {
    std::filesystem::path result = kPlaces[below(kPlaces.size())];
    if (places && below(4) == 0) return result;
    constexpr std::array kDepths{1, 1, 1, 1, 2, 2, 2, 3};
    for (int depth = kDepths[below(kDepths.size())]; depth > 0; --depth)
      result /= kNames[below(kNames.size())];
    return result;
  }

  std::minstd_rand random_;
};

const Row& row_of(Kind kind) {
  for (const Row& row : kRows)
    if (row.kind == kind) return row;
  return kRows.back();
}

}  // namespace

History history(unsigned seed, size_t rounds, size_t operations) {
  Author author(seed * 7919 + 1);
  History all;
  for (size_t round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < operations; ++i) all.push_back(author.next());
    all.push_back({.kind = Kind::judge});
  }
  return all;
}

std::string text_of(const Operation& operation) {
  std::string text = row_of(operation.kind).name;
  for (const auto& path : {operation.a, operation.b})
    if (!path.empty()) text += " '" + escaped(path.native()) + "'";
  return text + ' ' + std::to_string(operation.number);
}

std::string text_of(const History& history) {
  std::string text;
  for (const auto& operation : history) text += text_of(operation) + '\n';
  return text;
}

}  // namespace mirrord::test
