// What the journal hears of one group's source: each trouble once, of a storm a line a minute.
//
// Decides which are worth a line and words them; what follows from them is the engine's.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "core/model.hpp"
#include "io/tree_watcher.hpp"

namespace mirrord {

class SourceLog {
 public:
  /// The source is not there, because it `why`; or it is there again.
  static void missing(const Group& group, const std::string& why);
  static void back(const Group& group);

  /// `file` is where the trouble is, as a path on this host.
  void trouble(const Group& group, const std::string& file, const Trouble& trouble);
  /// A limit of inotify that is reached again is news.
  void all_watched() { limit_told_ = false; }
  void overflowed(const Group& group, Instant now);

 private:
  bool is_worth_a_line(const Trouble& trouble);

  std::set<std::string> troubles_;
  bool limit_told_ = false;
  size_t overflows_untold_ = 0;
  std::optional<Instant> overflow_told_at_;
};

}  // namespace mirrord
