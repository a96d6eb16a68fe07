#include "ctl/lsyncd_import.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "core/config.hpp"
#include "core/escape.hpp"
#include "ctl/lsyncd_conversion.hpp"
#include "ctl/lsyncd_toml.hpp"

namespace mirrord {
namespace {

using Key = const std::string&;

void read_inotify_mode(Conversion& to, Key key, const LuaValue& value) {
  const auto* mode = text_in(to, key, value);
  if (!mode || *mode == "CloseWrite") return;
  if (*mode == "Modify" || *mode == "CloseWrite or Modify")
    return to.set_text(to.group.keys, "sync_on", "modify");
  to.lose(key, fmt::format("has the unknown value \"{}\"", *mode));
}

void read_max_processes(Conversion& to, Key key, const LuaValue& value) {
  const double* number = number_in(to, key, value);
  if (!number) return;
  if (*number >= 1 && *number <= 1000)
    to.set_raw(to.group.rsync, "max_transfers", number_text(*number));
  else
    to.lose(key, "is out of range (1 to 1000)");
}

constexpr const char* kJournal = "is the journal's: journalctl -u mirrord";
constexpr const char* kStatus =
    "is mirrorctl's: mirrorctl status, and --json or metrics for programs";
constexpr const char* kUnit = "is systemd's: mirrord.service";

/// What concerns all groups goes into keys, what concerns the daemon into rsync.
const std::vector<ImportRow>& setting_rows() {
  static const std::vector<ImportRow> rows = {
      {"logfile", note_key(kJournal)},
      {"logfacility", note_key(kJournal)},
      {"logident", note_key(kJournal)},
      {"log", note_key(kJournal)},
      {"statusFile", note_key(kStatus)},
      {"statusInterval", note_key(kStatus)},
      {"pidfile", note_key(kUnit)},
      {"nodaemon", note_key(kUnit)},
      {"insist", note_key("is how mirrord always starts: a target that is down is tried again")},
      {"onepass", note_key("is a way to start: mirrord --once")},
      {"maxDelays", note_key("is not needed: a change costs the same however many are waiting")},
      {"delay", read_delay},
      {"inotifyMode", read_inotify_mode},
      {"maxProcesses", read_max_processes},
  };
  return rows;
}

void read_settings(const std::vector<LsyncdSetting>& settings, const KeyLines& lines,
                   const ImportHost& host, ImportedConfig& config) {
  Conversion to{lines, host};
  for (const LsyncdSetting& setting : settings) {
    to.line = setting.line;
    const auto row = std::ranges::find(setting_rows(), setting.key, &ImportRow::key);
    if (row == setting_rows().end())
      to.lose(setting.key, "is no setting that lsyncd knows");
    else
      row->read(to, setting.key, setting.value);
  }
  config.defaults = std::move(to.group.keys);
  config.daemon = std::move(to.group.rsync);
  config.remarks = std::move(to.group.remarks);
}

void sort_by_line(std::vector<ImportRemark>& remarks) {
  std::ranges::stable_sort(remarks, {}, &ImportRemark::line);
}

std::string name_for(const std::string& source, const std::vector<ImportedGroup>& groups) {
  std::string name;
  for (char c : source.substr(source.rfind('/') + 1)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    name += plain || c == '_' || c == '.' || c == '-' ? c : '_';
  }
  if (name.empty()) name = "root";
  std::string unique = name;
  for (int number = 2; std::ranges::find(groups, unique, &ImportedGroup::name) != groups.end();
       ++number)
    unique = fmt::format("{}-{}", name, number);
  return unique;
}

void add_remarks(std::vector<ImportRemark>& to, const std::vector<ImportRemark>& more) {
  for (const ImportRemark& remark : more)
    if (std::ranges::find(to, remark) == to.end()) to.push_back(remark);
}

void merge(ImportedGroup& into, const ImportedGroup& block) {
  const ImportedTarget& target = block.targets.front();
  if (std::ranges::find(into.targets, target.to, &ImportedTarget::to) == into.targets.end())
    into.targets.push_back(target);
  if (into.lines.back() != block.lines.front()) into.lines.push_back(block.lines.front());
  add_remarks(into.remarks, block.remarks);
}

void add_group(ImportedConfig& config, ImportedGroup group) {
  if (group.source.empty()) {
    // Nothing is mirrored that a note could be about.
    std::erase_if(group.remarks, [](const ImportRemark& remark) { return !remark.loss; });
    return add_remarks(config.remarks, group.remarks);
  }
  const auto earlier = std::ranges::find_if(
      config.groups, [&](const ImportedGroup& one) { return one.same_but_for_target(group); });
  if (earlier != config.groups.end()) return merge(*earlier, group);
  group.name = name_for(group.source, config.groups);
  config.groups.push_back(std::move(group));
}

/// A machine that has all that is named: what this one lacks, the one that is to run it may have.
/// A file that cannot be read was named with its key.
Host any_machine(const ImportHost& host) {
  return {[](const std::string&) { return User{}; },
          [](const std::string&) { return PathKind::directory; },
          [&host](const std::string& path) -> Host::Text {
            return {host.read_file(path).value_or(""), ""};
          },
          [](const std::string&) { return false; }};
}

std::string line_of_text(const std::string& text, size_t number) {
  std::istringstream stream(text);
  std::string line;
  while (number-- > 0) std::getline(stream, line);
  return line;
}

/// The place in the old file that a line of the new one comes from.
int origin_of(const std::string& toml_line, const ImportedGroup& group) {
  for (const ImportedTarget& target : group.targets)
    if (toml_line.find(*toml_string(target.to)) != std::string::npos) return target.line;
  return group.lines.empty() ? 0 : group.lines.front();
}

/// What `mirrord --check` would say of it, at the lines of its first group, if there is one.
std::vector<ImportRemark> problems_of(const ImportedConfig& config, const ImportHost& host) {
  std::vector<ImportRemark> problems;
  const ImportedGroup group = config.groups.empty() ? ImportedGroup{} : config.groups.front();
  const std::string toml = toml_text(config, "");
  for (const Diagnostic& one : parse_config({{"", toml}}, any_machine(host)).diagnostics)
    if (one.severity == Severity::problem && one.line > 0)  // 0 = there are no groups
      problems.push_back({true, origin_of(line_of_text(toml, one.line), group),
                          "mirrord refuses what came of it: " + printable(one.message)});
  return problems;
}

void judge(ImportedConfig& config, const ImportHost& host) {
  add_remarks(config.remarks, problems_of({config.daemon, config.defaults, {}, {}}, host));
  for (ImportedGroup& group : config.groups)
    add_remarks(group.remarks, problems_of({{}, config.defaults, {}, {group}}, host));
  const auto told = config.losses();
  // What is left is about several groups.
  for (const ImportRemark& problem : problems_of(config, host))
    if (std::ranges::find(told, problem.text, &ImportRemark::text) == told.end())
      config.remarks.push_back({true, 0, problem.text});
}

}  // namespace

bool ImportedGroup::same_but_for_target(const ImportedGroup& other) const {
  if (targets.empty() || other.targets.empty()) return false;
  return source == other.source && keys == other.keys && rsync == other.rsync && ssh == other.ssh &&
         ssh_options == other.ssh_options;
}

std::vector<ImportRemark> ImportedConfig::losses() const {
  std::vector<ImportRemark> all;
  const auto add = [&](const std::vector<ImportRemark>& from) {
    for (const ImportRemark& remark : from)
      if (remark.loss && std::ranges::find(all, remark) == all.end()) all.push_back(remark);
  };
  add(remarks);
  for (const ImportedGroup& group : groups) add(group.remarks);
  sort_by_line(all);
  return all;
}

ImportedConfig import_lsyncd_record(const LsyncdRecord& record, const std::string& text,
                                    const ImportHost& host) {
  ImportedConfig config;
  const KeyLines lines(text);
  read_settings(record.settings, lines, host, config);
  for (const LsyncdCall& call : record.calls)
    add_remarks(config.remarks,
                {{true, call.line,
                  fmt::format("{}() is a function of a running lsyncd; mirrord runs "
                              "no Lua",
                              call.name)}});
  for (const LsyncdSync& sync : record.syncs) add_group(config, converted_block(sync, lines, host));
  if (!record.error.text.empty())
    config.remarks.push_back({true, record.error.line, record.error.text});
  else if (record.syncs.empty())
    config.remarks.push_back({true, 0, "there is no sync block, so that nothing is mirrored"});
  judge(config, host);
  sort_by_line(config.remarks);
  for (ImportedGroup& group : config.groups) sort_by_line(group.remarks);
  return config;
}

}  // namespace mirrord
