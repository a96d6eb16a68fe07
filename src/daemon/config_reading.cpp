#include "daemon/config_reading.hpp"

#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "core/config_facts.hpp"
#include "core/config_values.hpp"
#include "core/lines.hpp"

namespace mirrord {

namespace {

constexpr size_t kMostFacts = 64 * 1024 * 1024;

/// A killed process ends at once, unless it is deep in the kernel.
constexpr Duration kEnding = std::chrono::seconds(1);

}  // namespace

ConfigReading::ConfigReading(Loop& loop, Settings settings, TakeOver take_over)
    : loop_(loop), settings_(std::move(settings)), take_over_(std::move(take_over)) {
  patience_ = loop_.timer([this] { out_of_patience(); });
}

void ConfigReading::ask(Done done) {
  waiting_.push_back(std::move(done));
  if (!child_) return start();
  const bool was_given_up = asked_.empty();
  if (was_given_up && waiting_.size() == 1) loop_.arm(patience_, loop_.now() + kEnding);
}

void ConfigReading::start() {
  asked_ = std::exchange(waiting_, {});
  Command command;
  command.argv = settings_.argv;
  command.output_limit = kMostFacts;
  command.ignores_hangup = true;  // it may be what asked us to read
  try {
    child_ = std::make_unique<Process>(loop_, std::move(command),
                                       [this](const ProcessResult& result) { ended(result); });
    deadline_ = loop_.now() + settings_.patience;
    loop_.arm(patience_, deadline_);
  } catch (const std::system_error& e) {
    answer(failure(e.what()));
  }
}

std::string ConfigReading::undone(Instant now) const {
  std::string what = child_ ? child_->undone(now, deadline_) : "";
  return what.empty() ? "" : fmt::format("the reading {} {}", child_->pid(), what);
}

void ConfigReading::ended(const ProcessResult& result) {
  loop_.arm(patience_, std::nullopt);
  child_.reset();
  if (!asked_.empty()) answer(outcome(result));  // else it was given up
  if (!child_ && !waiting_.empty()) start();
}

/// One that not even SIGKILL ends is left to itself until it does.
void ConfigReading::out_of_patience() {
  if (asked_.empty()) {
    asked_ = std::exchange(waiting_, {});
    return answer(failure("what hung the last time hangs still"));
  }
  child_->kill();
  // Who asked meanwhile asked of what may be mended by now.
  if (!waiting_.empty()) loop_.arm(patience_, loop_.now() + kEnding);
  answer(failure(fmt::format("nothing was heard within {} of {}",
                             format_duration(settings_.patience), last_line(child_->error()))));
}

void ConfigReading::answer(const ParsedConfig& parsed) {
  std::vector<Done> asked = std::exchange(asked_, {});
  std::string problems = take_over_(parsed);
  for (const Done& done : asked) done(problems);
}

ParsedConfig ConfigReading::outcome(const ProcessResult& result) const {
  if (result.exit.signal != 0)
    return failure(fmt::format("the reading was killed by signal {} at {}", result.exit.signal,
                               last_line(result.error)));
  if (result.exit.status != 0) return failure(last_line(result.error));
  if (!result.output_is_whole) return failure("more than 64 MB are to be read");
  return parse_config(facts_from_bytes(result.output));
}

ParsedConfig ConfigReading::failure(const std::string& why) const {
  return {std::nullopt, {{Severity::problem, settings_.directory, 0, 0, why}}};
}

}  // namespace mirrord
