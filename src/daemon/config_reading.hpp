// Reads the configuration anew while the loop goes on.
//
// A child gathers the facts (core/config_facts): a user look-up or a file that hangs holds up the
// reload and nothing else, and what it hangs at is told when patience ends. Who asks while it reads
// gets what a next reading finds. Owns the one child.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "io/event.hpp"
#include "io/process.hpp"

namespace mirrord {

/// Of mirrord itself: gathers the facts, and ends.
inline constexpr const char* kGatherOption = "--gather";

/// Less than mirrorctl waits for its reload.
inline constexpr Duration kReadingPatience = std::chrono::minutes(1);

class ConfigReading {
 public:
  struct Settings {
    std::string directory;
    std::vector<std::string> argv;  ///< prints the facts; each question is a line on stderr
    Duration patience = kReadingPatience;
  };
  /// Puts what was read into force; "" or, when it is refused, every problem, a line each.
  using TakeOver = std::function<std::string(const ParsedConfig&)>;
  using Done = std::function<void(const std::string& problems)>;

  ConfigReading(Loop& loop, Settings settings, TakeOver take_over);

  /// `done` is called once, perhaps at once, after it was taken over.
  void ask(Done done);
  /// What is left undone about the child, in words; "" = nothing.
  std::string undone(Instant now) const;
  bool busy() const { return !asked_.empty() || !waiting_.empty(); }

 private:
  void start();
  void ended(const ProcessResult& result);
  void out_of_patience();
  void answer(const ParsedConfig& parsed);
  ParsedConfig outcome(const ProcessResult& result) const;
  ParsedConfig failure(const std::string& why) const;

  Loop& loop_;
  Settings settings_;
  TakeOver take_over_;
  std::vector<Done> asked_;    // what the child was started for
  std::vector<Done> waiting_;  // for the next child
  Instant deadline_;
  Source patience_;
  std::unique_ptr<Process> child_;
};

}  // namespace mirrord
