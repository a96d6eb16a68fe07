// The keys of sync{}, and a block as a whole.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "core/config_values.hpp"
#include "core/filter_rule.hpp"
#include "ctl/lsyncd_conversion.hpp"
#include "ctl/lsyncd_toml.hpp"

namespace mirrord {
namespace {

using Key = const std::string&;

constexpr const char* kNoUtf8 = "holds bytes that are no UTF-8, which TOML cannot hold";
constexpr const char* kNoLua =
    "is a function of Lua's; hooks.after_sync runs a command after each clean batch";

std::string toml_list(Conversion& to, Key key, const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) {
    const auto quoted = toml_string(text);
    if (!quoted) to.lose(key, kNoUtf8);
    if (quoted) list += (list.empty() ? "" : ", ") + *quoted;
  }
  return '[' + list + ']';
}

auto lose(const char* text) {
  return [text](Conversion& to, Key key, const LuaValue&) { to.lose(key, text); };
}

void read_delete(Conversion& to, Key key, const LuaValue& value) {
  const auto* flag = value.as<bool>();
  const auto* word = value.as<std::string>();
  if (flag) return to.set_raw(to.group.keys, "delete", *flag ? "true" : "false");
  if (word && (*word == "startup" || *word == "running"))
    return to.set_text(to.group.keys, "delete", *word);
  to.note(key, "has a value that lsyncd does not know; it then deletes nothing");
  to.set_raw(to.group.keys, "delete", "false");
}

void read_init(Conversion& to, Key key, const LuaValue& value) {
  const auto* on = value.as<bool>();
  if (value.as<LuaFunction>()) return to.lose(key, kNoLua);
  if (on && !*on)
    to.lose(key,
            "left out the sync at start; mirrord always compares at start, which also copies "
            "what differs by then");
}

void read_exclude(Conversion& to, Key key, const LuaValue& value) {
  std::ranges::move(texts_in(to, key, value), std::back_inserter(to.exclude));
}

void read_exclude_from(Conversion& to, Key key, const LuaValue& value) {
  const auto* path = text_in(to, key, value);
  if (!path) return;
  const std::string absolute =
      (std::filesystem::path(to.host.directory) / *path).lexically_normal();
  to.set_text(to.group.keys, "exclude_from", absolute);
  content_of(to, key, absolute);
}

void read_filter(Conversion& to, Key key, const LuaValue& value) {
  for (const std::string& rule : texts_in(to, key, value)) to.filter.push_back({key, rule});
}

void read_filter_from(Conversion& to, Key key, const LuaValue& value) {
  const auto* path = text_in(to, key, value);
  if (!path) return;
  const auto content = content_of(to, key, *path);
  if (!content) return;
  for (const std::string& rule : exclude_lines(*content)) to.filter.push_back({key, rule});
  to.note(key, fmt::format("named '{}': its rules stand in 'filter' now", *path));
}

const std::vector<ImportRow>& sync_rows() {
  static const std::vector<ImportRow> rows = {
      {"base", ignore_key},
      {"source", ignore_key},
      {"target", ignore_key},
      {"host", ignore_key},
      {"targetdir", ignore_key},
      {"delay", read_delay},
      {"delete", read_delete},
      {"init", read_init},
      {"exclude", read_exclude},
      {"excludeFrom", read_exclude_from},
      {"filter", read_filter},
      {"filterFrom", read_filter_from},
      {"rsync", read_rsync_table},
      {"ssh", read_ssh_table},
      {"maxProcesses", note_key("is not needed: one transfer at a time runs for each target")},
      {"maxDelays", note_key("is not needed: a change costs the same however many are waiting")},
      {"batchSizeLimit", note_key("is not needed: a large file holds back no other target")},
      {"crontab",
       note_key("is systemd's: systemctl enable --now mirrord-resync@GROUP.timer, its time "
                "as OnCalendar= in a drop-in")},
      {"exitcodes", note_key("is not needed: what failed is tried again, whatever the exit code")},
      {"rsyncExitCodes",
       note_key("is not needed: what failed is tried again, whatever the exit code")},
      {"sshExitCodes",
       note_key("is not needed: what failed is tried again, whatever the exit code")},
      {"checkgauge", ignore_key},
      {"postcmd",
       lose("ran after each sync, by functions of Lua's; hooks.after_sync is what runs a "
            "command after each clean batch")},
      {"tunnel", lose("opened a tunnel; give ssh the way instead, as in ssh.options.ProxyJump = "
                      "\"GATE\"")},
  };
  return rows;
}

/// Such as onCreate = "cp ^sourcePath …".
bool is_action(const LuaField& field) {
  return field.key.starts_with("on") && field.value.as<std::string>();
}

void read_key(Conversion& to, const LuaField& field) {
  const auto row = std::ranges::find(sync_rows(), field.key, &ImportRow::key);
  if (row != sync_rows().end()) return row->read(to, field.key, field.value);
  if (const auto* function = field.value.as<LuaFunction>()) {
    to.group.remarks.push_back({true, function->line, fmt::format("'{}' {}", field.key, kNoLua)});
    return;
  }
  to.lose(field.key, is_action(field) ? "is a command for single events; hooks.after_sync runs one "
                                        "after each clean batch"
                                      : "is unknown");
}

std::string text_of_key(const LuaTable& keys, const char* key) {
  const LuaValue* value = keys.find(key);
  const auto* text = value ? value->as<std::string>() : nullptr;
  return text ? *text : "";
}

std::string absolute(Conversion& to, Key key, const std::string& path) {
  const auto whole = (std::filesystem::path(to.host.directory) / path).lexically_normal();
  if (whole.native() != path && !path.starts_with('/'))
    to.note(key, fmt::format("\"{}\" is relative; read from '{}'", path, to.host.directory));
  std::string text = whole;
  if (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

/// Empty, and a loss, when TOML cannot hold it.
std::string holdable(Conversion& to, Key key, std::string text) {
  if (toml_string(text)) return text;
  to.lose(key, kNoUtf8);
  return "";
}

std::string without_secret(Conversion& to, Key key, const std::string& text) {
  const std::string open = without_password(text);
  if (open != text)
    to.lose(key, "holds a password; put it into a file, and name that in rsync.password_file");
  return open;
}

/// "host:directory", which rsync looks for in the login's home.
bool begins_at_home(const std::string& text) {
  const auto has = [&](const char* part) { return text.find(part) != std::string::npos; };
  return has(":") && !has(":/") && !has("::");
}

/// The destination as mirrord names it, whether it takes it or not; empty when there is none.
std::string destination(Conversion& to, Key key, std::string text) {
  if (!text.empty() && text.find(':') == std::string::npos) text = absolute(to, key, text);
  if (!to.login.empty() && text.find('@') == std::string::npos && text.find(':') != text.npos)
    text = to.login + '@' + text;
  while (text.size() > 1 && text.ends_with('/') && !text.ends_with(":/")) text.pop_back();
  if (begins_at_home(text))
    to.note(key, fmt::format("\"{}\" begins in the login's home; mirrord takes no other than an "
                             "absolute path",
                             text));
  return holdable(to, key, without_secret(to, key, text));
}

void read_target(Conversion& to, const std::string& base, const LuaTable& keys) {
  const std::string target = text_of_key(keys, "target");
  const std::string host = text_of_key(keys, "host");
  const std::string directory = text_of_key(keys, "targetdir");
  // Also where a prepare() of the program's own puts the target together.
  const bool in_parts = base == "rsyncssh" || (target.empty() && !(host + directory).empty());
  const std::string key = in_parts ? "targetdir" : "target";
  const std::string text = destination(to, key, in_parts ? host + ':' + directory : target);
  if (!text.empty()) to.group.targets = {{text, to.lines.line_of(key, to.line)}};
}

void add_rules(Conversion& to) {
  std::vector<std::string> good;
  std::string reason;
  to.filter.insert(to.filter.begin(), to.extra_filter.begin(), to.extra_filter.end());
  for (const auto& [key, rule] : to.filter) {
    if (parse_filter_rule(rule, reason))
      good.push_back(rule);
    else
      to.lose(key, fmt::format("rule \"{}\" {}", rule, reason));
  }
  if (!good.empty()) to.set_raw(to.group.keys, "filter", toml_list(to, "filter", good));
  good.clear();
  for (const std::string& pattern : to.exclude) {
    if (parse_exclude(pattern, reason))
      good.push_back(pattern);
    else
      to.lose("exclude", fmt::format("pattern \"{}\" {}", pattern, reason));
  }
  if (!good.empty()) to.set_raw(to.group.keys, "exclude", toml_list(to, "exclude", good));
}

void add_rest(Conversion& to, const std::string& base, const LuaTable& keys) {
  add_rules(to);
  if (to.symlinks != "follow") to.set_text(to.group.keys, "symlinks", to.symlinks);
  const LuaValue* rsync = keys.find("rsync");
  add_attributes(to, rsync ? rsync->as<LuaTable>() : nullptr, base == "direct");
  if (!to.rsync_options.empty())
    to.set_raw(to.group.rsync, "options", toml_list(to, "rsync.options", to.rsync_options));
}

/// A block that builds on no default.*: what it does is what its program says.
void lose_actions(Conversion& to, const LuaTable& keys) {
  std::string actions;
  for (const LuaField& field : keys.fields) {
    const auto* function = field.value.as<LuaFunction>();
    if (!function && !is_action(field)) continue;
    const int line = function ? function->line : to.lines.line_of(field.key, to.line);
    actions += fmt::format("{}{} in line {}", actions.empty() ? "" : ", ", field.key, line);
  }
  to.lose("", fmt::format("a sync block of its own actions ({}); mirrord mirrors, and "
                          "hooks.after_sync runs a command after each clean batch",
                          actions.empty() ? "none" : actions));
}

}  // namespace

ImportedGroup converted_block(const LsyncdSync& sync, const KeyLines& lines,
                              const ImportHost& host) {
  Conversion to{lines, host, sync.line};
  to.group.lines = {sync.line};
  const std::string base = text_of_key(sync.keys, "base");
  if (base.empty()) {
    lose_actions(to, sync.keys);
    return std::move(to.group);
  }
  for (const LuaField& field : sync.keys.fields) read_key(to, field);
  const std::string source = text_of_key(sync.keys, "source");
  if (source.empty())
    to.lose("", "a sync block without a source");
  else
    to.group.source = holdable(to, "source", absolute(to, "source", source));
  read_target(to, base, sync.keys);
  add_rest(to, base, sync.keys);
  return std::move(to.group);
}

}  // namespace mirrord
