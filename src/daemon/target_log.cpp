#include "daemon/target_log.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/escape.hpp"
#include "io/log.hpp"

namespace mirrord {

namespace {

std::string what_ran(JobKind job, size_t paths) {
  if (job == JobKind::connect) return "connecting";
  if (job == JobKind::full) return "full sync";
  return count_of_paths(paths, job == JobKind::big ? "big " : "");
}

std::string name_of(const Group& group, const Target& target) {
  return group.name + '/' + target.name;
}

double seconds(Duration duration) { return static_cast<double>(duration.count()) / 1e6; }

log::Fields fields_of(const Group& group, const Target& target, const Run::Result& result) {
  log::Fields fields{{"MIRRORD_GROUP", group.name},
                     {"MIRRORD_TARGET", target.name},
                     {"MIRRORD_EXIT_STATUS", std::to_string(result.outcome.exit_status)},
                     {"MIRRORD_PATHS", std::to_string(result.paths)},
                     {"MIRRORD_BYTES", std::to_string(result.outcome.bytes)},
                     {"MIRRORD_DURATION_USEC", std::to_string(result.duration.count())}};
  constexpr size_t kMost = 16 * 1024;
  const size_t left_out = result.error.size() - std::min(result.error.size(), kMost);
  if (!result.error.empty()) fields.push_back({"MIRRORD_STDERR", result.error.substr(left_out)});
  return fields;
}

std::string success(const Run::Result& result) {
  const Outcome& outcome = result.outcome;
  return fmt::format(" in {:.3f} s, {} files, {} bytes sent{}", seconds(result.duration),
                     outcome.files, outcome.bytes,
                     outcome.verdict == Verdict::again ? ", some vanished" : "");
}

/// A warning, unless it is one of those that are passed over.
void tell(std::optional<size_t> passed_over, const std::string& what, const std::string& text,
          const std::string& plan, const log::Fields& fields) {
  log::write(passed_over ? LogLevel::warning : LogLevel::debug,
             what + ": " + text + more_failures(passed_over) + plan, fields);
}

}  // namespace

std::string count_of_paths(size_t paths, const char* kind) {
  return fmt::format("{} {}path{}", paths, kind, paths == 1 ? "" : "s");
}

void TargetLog::ended(const Group& group, const Target& target, JobKind job,
                      const Run::Result& result, std::optional<Instant> next, Instant now) {
  const Outcome& outcome = result.outcome;
  const bool all_was_compared = outcome.verdict == Verdict::done ||
                                outcome.verdict == Verdict::again ||
                                outcome.verdict == Verdict::partial;
  if (job == JobKind::full && all_was_compared) holds_.recovered();  // the next one is news
  const std::string what = name_of(group, target) + ": " + what_ran(job, result.paths);
  log::Fields fields = fields_of(group, target, result);
  switch (outcome.verdict) {
    case Verdict::done:
    case Verdict::again:
    case Verdict::withheld:
      return log::write(LogLevel::info, what + success(result), fields);
    case Verdict::held:
      fields.push_back({"MESSAGE_ID", std::string(log::message::kDeletionHeld)});
      return tell(holds_.tell("", now), what, outcome.text, "", fields);
    case Verdict::partial:
    case Verdict::failed:
      break;
  }
  fields.push_back({"MESSAGE_ID", std::string(log::message::kSyncFailed)});
  std::string text = outcome.text;
  if (!text.ends_with(outcome.complaint)) text += ": " + outcome.complaint;
  text = escape(text);
  std::string plan;
  if (next)
    plan = fmt::format(", retrying in {:.1f} s", seconds(std::max(*next - now, Duration{})));
  tell(failures_.tell(text, now), what, text, plan, fields);
}

void TargetLog::recovered(const Group& group, const Target& target) {
  for (FailureLog* log : {&failures_, &holds_}) log->recovered();
  log::write(LogLevel::notice, name_of(group, target) + ": recovered",
             {{"MIRRORD_GROUP", group.name},
              {"MIRRORD_TARGET", target.name},
              {"MESSAGE_ID", std::string(log::message::kRecovered)}});
}

}  // namespace mirrord
