// What a churn does, as values: a seed gives a history, and a history can be played, printed and
// shrunk.
//
// Paths are relative to the world's root. Names and places are few, so that operations meet; what
// is impossible when its turn comes (something is missing or in the way) is left undone by the
// world. Nothing in here touches a file or a process.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace mirrord::test {

struct Operation {
  enum class Kind {
    // Of files and directories.
    write,
    append,
    overwrite,  ///< in place, the same size
    map,        ///< through mmap(2)
    hole,
    truncate,
    mode,
    owner,
    time,
    directory,
    fifo,
    remove,
    remove_all,
    rename,
    swap,
    link,
    hard_link,
    burst,
    open_log,   ///< opened and written to, not closed
    write_log,  ///< one that is still open
    close_log,
    // Of the source, and of the time between two operations.
    switch_source,
    breathe,
    // Faults.
    kill_child,    ///< an rsync, an ssh, the ssh master
    kill_session,  ///< something of an sshd
    kill_daemon,
    freeze,
    break_rsync,
    mend_rsync,
    stop_server,
    start_server,
    // What an operator does.
    reload,
    full_sync,
    pause,
    resume,
    // Everything is healed, and the copies are judged.
    judge,
  };

  Kind kind = Kind::judge;
  std::filesystem::path a = {};
  std::filesystem::path b = {};
  unsigned number = 0;
};

using History = std::vector<Operation>;

History history(unsigned seed, size_t rounds, size_t operations);

/// One line, names escaped.
std::string text_of(const Operation& operation);
std::string text_of(const History& history);

}  // namespace mirrord::test
