#include "io/log.hpp"

#define SD_JOURNAL_SUPPRESS_LOCATION  // or each entry names this file as its origin
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>

#include "io/handle.hpp"

namespace mirrord::log {

namespace {

LogLevel current_level = LogLevel::info;
Target current_target = Target::standard_error;

/// In the order of LogLevel.
constexpr const char* kLevels[] = {"emerg",   "alert",  "crit", "err",
                                   "warning", "notice", "info", "debug"};

/// What of the line that is being written spdlog has no place for.
struct Line {
  LogLevel level = LogLevel::info;
  const Fields* fields = nullptr;
};
Line current_line;

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::emerg:
    case LogLevel::alert:
    case LogLevel::crit:
      return spdlog::level::critical;
    case LogLevel::err:
      return spdlog::level::err;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::notice:
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::debug:
      return spdlog::level::debug;
  }
  return spdlog::level::info;
}

/// The levels are those of syslog(3), in its order.
std::string priority() { return std::to_string(static_cast<int>(current_line.level)); }

/// Lines with sd-daemon(3) priority prefixes, for whoever collects our standard error.
void write_prefixed(const spdlog::details::log_msg& msg) {
  std::string line = "<" + priority() + ">";
  line.append(msg.payload.data(), msg.payload.size()).push_back('\n');
  (void)std::fwrite(line.data(), 1, line.size(), stderr);
}

/// sd_journal_sendv(3) with the fields of the line. Without a journal that would be a silent
/// success.
class JournalSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& msg) override {
    if (::access("/run/systemd/journal/socket", F_OK) < 0) return write_prefixed(msg);
    std::vector<std::string> entry{"MESSAGE=" + std::string(msg.payload.data(), msg.payload.size()),
                                   "PRIORITY=" + priority(), "SYSLOG_IDENTIFIER=mirrord"};
    if (current_line.fields)
      for (const Field& field : *current_line.fields)
        entry.push_back(std::string(field.name) + "=" + field.value);
    std::vector<iovec> parts;
    for (std::string& part : entry) parts.push_back({part.data(), part.size()});
    // There is nowhere to report that the journal is gone.
    (void)sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
  }
  void flush_() override {}
};

class PrefixSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& msg) override { write_prefixed(msg); }
  void flush_() override { (void)std::fflush(stderr); }
};

/// JOURNAL_STREAM holds device and inode of the journal's stream, systemd.exec(5).
bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat st {};
  if (!stream || ::fstat(STDERR_FILENO, &st) < 0) return false;
  return std::to_string(st.st_dev) + ":" + std::to_string(st.st_ino) == stream;
}

spdlog::sink_ptr make_sink(Target target) {
  if (target == Target::journal) return std::make_shared<JournalSink>();
  if (::isatty(STDERR_FILENO) == 0) return std::make_shared<PrefixSink>();
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_st>();
  sink->set_pattern("%H:%M:%S.%e %^%v%$");
  return sink;
}

}  // namespace

void open(Target target, LogLevel level) {
  set_target(target);
  set_level(level);
}

void set_target(Target target) {
  if (target == Target::automatic)
    target = stderr_is_journal() ? Target::journal : Target::standard_error;
  current_target = target;
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("mirrord", make_sink(target)));
  set_level(current_level);
}

Target target() { return current_target; }

void set_level(LogLevel level) {
  current_level = level;
  spdlog::set_level(spdlog_level(level));
}

LogLevel level() { return current_level; }

const char* to_string(LogLevel level) { return kLevels[static_cast<size_t>(level)]; }

std::optional<LogLevel> level_named(std::string_view name) {
  auto found = std::ranges::find(kLevels, name);
  if (found == std::end(kLevels)) return std::nullopt;
  return static_cast<LogLevel>(found - std::begin(kLevels));
}

void write(LogLevel level, std::string_view message, const Fields& fields) {
  if (level > current_level) return;
  current_line = {level, &fields};
  spdlog::log(spdlog_level(level), "{}", message);
  current_line.fields = nullptr;
}

}  // namespace mirrord::log
