#include "core/status_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace mirrord {

namespace {

constexpr uint64_t kMillisecond = 1'000;
constexpr uint64_t kSecond = 1'000'000;

// "Select graphic rendition", ECMA-48 8.3.117.
constexpr const char* kBold = "\033[1m";
constexpr const char* kRed = "\033[31m";
constexpr const char* kGreen = "\033[32m";
constexpr const char* kYellow = "\033[33m";
constexpr const char* kPlain = "\033[0m";

const char* colour_of(GroupState state) {
  switch (state) {
    case GroupState::watching:
      return kGreen;
    case GroupState::crawling:
      return kYellow;
    case GroupState::degraded:
    case GroupState::source_missing:
      return kRed;
  }
  return kPlain;
}

const char* colour_of(TargetState state) {
  switch (state) {
    case TargetState::idle:
      return kGreen;
    case TargetState::settling:
    case TargetState::waiting:
    case TargetState::syncing:
    case TargetState::paused:
      return kYellow;
    case TargetState::retrying:
    case TargetState::held:
      return kRed;
  }
  return kPlain;
}

std::string coloured(const std::string& text, const char* colour, const StatusView& view) {
  return view.colours ? colour + text + kPlain : text;
}

/// Columns on a terminal, near enough: one for each character of UTF-8.
size_t width(const std::string& text) {
  return static_cast<size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string counted(uint64_t number, const char* one, const char* many) {
  return fmt::format("{} {}", human_number(number), number == 1 ? one : many);
}

// ---- targets

constexpr size_t kColumns = 6;
using Row = std::array<std::string, kColumns>;

int percent(double share) { return static_cast<int>(share * 100); }

std::string pending_text(const TargetStatus& target) {
  if (!target.full_pending) return "pending " + human_number(target.pending);
  std::string paths = target.pending == 0 ? "" : human_number(target.pending) + " + ";
  std::string progress = target.progress < 0 ? "" : fmt::format(" {} %", percent(target.progress));
  return fmt::format("pending {}full sync{}", paths, progress);
}

std::string sent_text(const TargetStatus& target) {
  return fmt::format("sent {} {}, {}", human_number(target.files_sent),
                     target.files_sent == 1 ? "file" : "files", human_bytes(target.bytes_sent));
}

std::string bar_line(const TargetStatus& target, const StatusView& view) {
  if (view.bar_width == 0 || target.progress < 0) return "";
  auto full = static_cast<size_t>(target.progress * static_cast<double>(view.bar_width));
  full = std::min(full, view.bar_width);
  return fmt::format("    [{}{}] {} %\n", std::string(full, '#'),
                     std::string(view.bar_width - full, '.'), percent(target.progress));
}

std::string lag_text(const TargetStatus& target, uint64_t now_usec) {
  if (target.oldest_pending_usec == 0) return "lag -";
  return "lag " + human_duration(usec_between(target.oldest_pending_usec, now_usec));
}

std::string last_sync_text(const TargetStatus& target, uint64_t now_usec) {
  if (target.last_sync_usec == 0) return "last sync never";
  uint64_t age = usec_between(target.last_sync_usec, now_usec);
  return age < kSecond ? "last sync just now"
                       : fmt::format("last sync {} ago", human_duration(age));
}

Row row_of(const TargetStatus& target, const StatusView& view) {
  return {target.name,
          to_string(target.state),
          pending_text(target),
          lag_text(target, view.now_usec),
          last_sync_text(target, view.now_usec),
          sent_text(target)};
}

std::string next_attempt_text(const TargetStatus& target, uint64_t now_usec) {
  if (target.state == TargetState::syncing) return "; trying again now";
  if (target.state != TargetState::retrying || target.next_attempt_usec == 0) return "";
  uint64_t wait = usec_between(now_usec, target.next_attempt_usec);
  return wait < kSecond ? "; next try now" : fmt::format("; next try in {}", human_duration(wait));
}

std::string error_line(const TargetStatus& target, const StatusView& view) {
  if (target.last_error.empty()) return "";
  std::string times =
      target.consecutive_failures > 1
          ? fmt::format(" ({} times in a row)", human_number(target.consecutive_failures))
          : "";
  return fmt::format("    error: {}{}{}\n", target.last_error, times,
                     next_attempt_text(target, view.now_usec));
}

using Widths = std::array<size_t, kColumns>;

Widths widths_of(const Status& status, const StatusView& view) {
  Widths widths{};
  for (const TargetStatus& target : status.targets) {
    Row row = row_of(target, view);
    for (size_t i = 0; i < kColumns; ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  return widths;
}

std::string target_lines(const TargetStatus& target, const Widths& widths, const StatusView& view) {
  constexpr size_t kStateColumn = 1;
  Row row = row_of(target, view);
  std::string line;
  for (size_t i = 0; i < kColumns; ++i) {
    line += "  ";
    line += i == kStateColumn ? coloured(row[i], colour_of(target.state), view) : row[i];
    if (i + 1 < kColumns) line += std::string(widths[i] - width(row[i]), ' ');
  }
  return line + "\n" + bar_line(target, view) + error_line(target, view);
}

// ---- groups

std::string group_lines(const GroupStatus& group, const StatusView& view) {
  std::string source = group.source;
  if (!group.resolved_source.empty() && group.resolved_source != group.source)
    source += " -> " + group.resolved_source;
  std::string lines =
      fmt::format("{}  {}  {}, {} watched, {} followed\n", coloured(group.name, kBold, view),
                  coloured(to_string(group.state), colour_of(group.state), view), source,
                  counted(group.watched_directories, "directory", "directories"),
                  counted(group.followed_links, "link", "links"));
  if (!group.problem.empty()) lines += fmt::format("    problem: {}\n", group.problem);
  return lines;
}

}  // namespace

std::string status_text(const Status& status, const StatusView& view) {
  Widths widths = widths_of(status, view);
  std::string text;
  for (const GroupStatus& group : status.groups) {
    if (!text.empty()) text += '\n';
    text += group_lines(group, view);
    for (const TargetStatus& target : status.targets)
      if (target.group == group.name) text += target_lines(target, widths, view);
  }
  return text;
}

std::string fitting(const std::string& text, size_t rows) {
  const auto lines = static_cast<size_t>(std::ranges::count(text, '\n'));
  if (lines <= rows) return text;
  size_t end = 0;
  for (size_t row = 1; row < rows; ++row) end = text.find('\n', end) + 1;
  return text.substr(0, end) + fmt::format("... {} more lines\n", human_number(lines - rows + 1));
}

std::string human_duration(uint64_t usec) {
  struct Unit {
    const char* name;
    uint64_t seconds;
  };
  constexpr Unit kUnits[] = {{"d", 86'400}, {"h", 3'600}, {"min", 60}, {"s", 1}};
  if (usec < kSecond) return fmt::format("{} ms", usec / kMillisecond);
  uint64_t seconds = usec / kSecond;
  const Unit* unit =
      std::ranges::find_if(kUnits, [&](const Unit& u) { return seconds >= u.seconds; });
  std::string text = fmt::format("{} {}", seconds / unit->seconds, unit->name);
  if (unit->seconds == 1) return text;
  const Unit& smaller = *std::next(unit);
  uint64_t rest = seconds % unit->seconds / smaller.seconds;
  return rest == 0 ? text : fmt::format("{} {} {}", text, rest, smaller.name);
}

std::string human_bytes(uint64_t bytes) {
  constexpr const char* kUnits[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
  constexpr double kStep = 1000;
  if (bytes < 1000) return fmt::format("{} B", bytes);
  double number = static_cast<double>(bytes) / kStep;
  const char* const* unit = kUnits;
  // 999.95 would be printed as 1000.0
  for (; number >= 999.95; ++unit) number /= kStep;
  return fmt::format("{:.1f} {}", number, *unit);
}

std::string human_number(uint64_t number) {
  std::string digits = std::to_string(number);
  for (size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

}  // namespace mirrord
