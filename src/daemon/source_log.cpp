#include "daemon/source_log.hpp"

#include <fmt/format.h>

#include <utility>

#include "core/escape.hpp"
#include "io/log.hpp"

namespace mirrord {

namespace {

constexpr size_t kMostTroubles = 50;

void write(LogLevel level, const Group& group, std::string_view message_id,
           const std::string& text) {
  log::Fields fields{{"MIRRORD_GROUP", group.name}};
  if (!message_id.empty()) fields.push_back({"MESSAGE_ID", std::string(message_id)});
  log::write(level, fmt::format("group '{}': {}", group.name, text), fields);
}

}  // namespace

void SourceLog::missing(const Group& group, const std::string& why) {
  write(
      LogLevel::warning, group, log::message::kSourceMissing,
      fmt::format("source '{}' {}; nothing is deleted on its targets, waiting for it to come back",
                  escape(group.source), why));
}

void SourceLog::back(const Group& group) {
  write(LogLevel::notice, group, log::message::kSourceBack,
        fmt::format("source '{}' is back", escape(group.source)));
}

void SourceLog::trouble(const Group& group, const std::string& file, const Trouble& trouble) {
  if (!is_worth_a_line(trouble)) return;
  const bool is_last = !trouble.at_limit && troubles_.size() == kMostTroubles;
  write(LogLevel::warning, group, trouble.at_limit ? log::message::kWatchLimit : "",
        fmt::format("'{}': {}{}", escape(file), trouble.reason,
                    is_last ? " (no more such lines follow)" : ""));
}

/// A tree can have any number of unreadable directories; the count is in the group's Problem.
bool SourceLog::is_worth_a_line(const Trouble& trouble) {
  if (trouble.at_limit) return !std::exchange(limit_told_, true);
  return troubles_.size() < kMostTroubles &&
         troubles_.insert(trouble.path + '\n' + trouble.reason).second;
}

void SourceLog::overflowed(const Group& group, Instant now) {
  constexpr Duration kQuiet = std::chrono::minutes(1);
  ++overflows_untold_;
  if (overflow_told_at_ && now < *overflow_told_at_ + kQuiet) return;
  overflow_told_at_ = now;
  const size_t count = std::exchange(overflows_untold_, 0);
  write(LogLevel::warning, group, log::message::kQueueOverflow,
        fmt::format("the inotify queue overflowed{}, comparing the source again",
                    count == 1 ? "" : fmt::format(" {} times", count)));
}

}  // namespace mirrord
