// The schemas of [.rsync] and [.ssh]: how a copy reaches its target.
#include "core/config_rsync_options.hpp"
#include "core/config_schema.hpp"
#include "core/config_setters.hpp"
#include "core/config_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>

namespace mirrord {
namespace {

using namespace std::chrono_literals;

constexpr Duration kDay = 24h;

/// rsync refuses a smaller --bwlimit, see rsync(1).
constexpr uint64_t kMinBandwidth = 512;

std::string fault_of_rsync_option(const std::string& option) {
  const auto why = refused_rsync_option(option);
  return why ? fmt::format("must not hold \"{}\": {}", option, *why) : "";
}

std::optional<uint64_t> read_bandwidth(const ConfigEntry& entry) {
  const auto bytes = read_size(entry);
  if (!bytes || *bytes == 0 || *bytes >= kMinBandwidth) return bytes;
  entry.problem(fmt::format("must be 0 (no limit) or at least {} bytes a second, not {}",
                            kMinBandwidth, *bytes));
  return std::nullopt;
}

/// rsync(1) --rsync-path: the shell on the target gets it, so it may be a command with arguments.
std::optional<std::string> read_remote_command(const ConfigEntry& entry) {
  const auto text = read_text(entry, "sudo rsync");
  if (!text) return std::nullopt;
  if (!text->empty() && !text->starts_with('-') && !has_control_characters(*text)) return text;
  entry.problem(fmt::format("must be a command for the target's shell, not \"{}\"", *text));
  return std::nullopt;
}

/// rsync(1) --partial-dir: in the directory of each file, which it must not leave, or absolute; ""
/// undoes that of [defaults].
std::optional<std::string> read_partial_dir(const ConfigEntry& entry) {
  const auto name = read_text(entry, ".rsync-partial");
  if (!name) return std::nullopt;
  const bool is_place = name->starts_with('/') || name->find('/') == std::string::npos;
  if (is_place && *name != "." && *name != ".." && !has_control_characters(*name)) return name;
  entry.problem(fmt::format(
      "must be a directory's name such as \".rsync-partial\", or an absolute path, not \"{}\"",
      *name));
  return std::nullopt;
}

std::optional<std::string> read_host_key_checking(const ConfigEntry& entry) {
  if (entry.value.value<std::string_view>() == "ask") {
    entry.problem("must not be \"ask\", because nobody is there to answer");
    return std::nullopt;
  }
  return read_choice<std::string>(entry,
                                  {{"yes", "yes"}, {"no", "no"}, {"accept-new", "accept-new"}});
}

/// ssh_config(5), TOKENS and ENVIRONMENT VARIABLES: not what every version of ssh takes as it is.
std::optional<std::string> read_ssh_file(const ConfigEntry& entry) {
  const auto path = read_absolute_path(entry);
  if (!path) return std::nullopt;
  if (path->find_first_of("%$\"\\") == std::string::npos) {
    warn_unless_exists(entry, *path);
    return path;
  }
  entry.problem(
      fmt::format("must be without '%', '$', '\"' and '\\', in which ssh sees more than "
                  "names; rename \"{}\"",
                  *path));
  return std::nullopt;
}

bool is_ssh_word(std::string_view word) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !word.empty() && is_letter(word.front()) &&
         std::all_of(word.begin(), word.end(), [&](char c) { return is_letter(c) || is_digit(c); });
}

std::optional<std::string> read_ssh_value(const ConfigEntry& entry) {
  if (const auto* flag = entry.value.as_boolean()) return flag->get() ? "yes" : "no";
  if (const auto* number = entry.value.as_integer()) return std::to_string(number->get());
  if (!entry.value.is_string()) {
    entry.wrong_type("a string, an integer or a boolean");
    return std::nullopt;
  }
  const auto text = read_text(entry, "yes");
  if (!text || (!text->empty() && !has_control_characters(*text))) return text;
  entry.problem("must be one line of text");
  return std::nullopt;
}

bool equal_but_for_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

/// A word of ssh_config(5) that would break each transfer, but for some values.
struct BreakingWord {
  std::string_view word;
  std::array<std::string_view, 3> harmless;
  std::string_view why;
};

constexpr BreakingWord kBreakingWords[] = {
    {"BatchMode", {"yes", "true"}, "nobody is there to answer"},
    {"ForkAfterAuthentication", {"no", "false"}, "rsync could not tell when its connection ends"},
    {"Host", {}, "it begins a section, which only a file can have; use the key 'config_file'"},
    {"Match", {}, "it begins a section, which only a file can have; use the key 'config_file'"},
    {"RemoteCommand", {"none"}, "mirrord itself says what runs on the target"},
    {"RequestTTY", {"no", "false", "auto"}, "a terminal would change what rsync sends"},
    {"SessionType", {"default"}, "rsync would not be started on the target"},
    {"StdinNull", {"no", "false"}, "rsync could not send anything"},
};

/// What is wrong with the word, "" when nothing is.
std::string fault_of_ssh_word(std::string_view word, const std::string& value) {
  const auto* breaking = std::ranges::find_if(
      kBreakingWords, [&](const BreakingWord& one) { return equal_but_for_case(one.word, word); });
  if (breaking == std::end(kBreakingWords)) return "";
  const auto is_value = [&](std::string_view one) { return equal_but_for_case(one, value); };
  if (!value.empty() && std::ranges::any_of(breaking->harmless, is_value)) return "";
  return fmt::format("must not be \"{}\": {}", value, breaking->why);
}

void read_ssh_option(const ConfigEntry& entry, SshSettings& ssh) {
  if (!is_ssh_word(entry.key)) {
    entry.scope.report.problem(
        entry.key_position,
        fmt::format("key '{}' in {} is not a word of ssh_config(5)", entry.key, entry.scope.name));
    return;
  }
  const auto value = read_ssh_value(entry);
  if (!value) return;
  const std::string fault = fault_of_ssh_word(entry.key, *value);
  if (!fault.empty()) return entry.problem(fault);
  // ssh ignores the case of its words and takes the first of two, so an inherited one must go.
  std::erase_if(ssh.options,
                [&](const auto& option) { return equal_but_for_case(option.first, entry.key); });
  ssh.options[std::string(entry.key)] = *value;
}

void read_ssh_options(const ConfigEntry& entry, SshSettings& ssh) {
  const auto* table = entry.value.as_table();
  if (!table) return entry.wrong_type("a table");
  const ConfigScope scope = entry.scope.inner(entry.key);
  for (auto&& [word, value] : *table)
    read_ssh_option({scope, word.str(), value, word.source().begin}, ssh);
}

}  // namespace

const ConfigSchema<RsyncSettings>& rsync_schema() {
  static const ConfigSchema<RsyncSettings> schema = {
      {"program", program(&RsyncSettings::program)},
      {"remote_program", set(&RsyncSettings::remote_program, read_remote_command)},
      {"compress", boolean(&RsyncSettings::compress)},
      {"bandwidth_limit", set(&RsyncSettings::bandwidth_limit, read_bandwidth)},
      {"timeout", duration(&RsyncSettings::timeout, {1s, kDay, "0", true})},
      {"acls", boolean(&RsyncSettings::acls)},
      {"xattrs", boolean(&RsyncSettings::xattrs)},
      {"hard_links", boolean(&RsyncSettings::hard_links)},
      {"numeric_ids", boolean(&RsyncSettings::numeric_ids)},
      {"chmod", text(&RsyncSettings::chmod, "D755,F644")},
      {"chown", text(&RsyncSettings::chown, "www-data:www-data")},
      {"checksum", boolean(&RsyncSettings::checksum)},
      {"inplace", boolean(&RsyncSettings::inplace)},
      {"sparse", boolean(&RsyncSettings::sparse)},
      {"partial_dir", set(&RsyncSettings::partial_dir, read_partial_dir)},
      {"password_file", absolute_path(&RsyncSettings::password_file)},
      {"options", texts(&RsyncSettings::options, fault_of_rsync_option)},
  };
  return schema;
}

const ConfigSchema<SshSettings>& ssh_schema() {
  static const ConfigSchema<SshSettings> schema = {
      {"program", program(&SshSettings::program)},
      {"port", integer(&SshSettings::port, 1, std::numeric_limits<uint16_t>::max())},
      {"identity_file", set(&SshSettings::identity_file, read_ssh_file)},
      {"known_hosts_file", set(&SshSettings::known_hosts_file, read_ssh_file)},
      {"config_file", awaited_path(&SshSettings::config_file)},
      {"connect_timeout", duration(&SshSettings::connect_timeout, {1s, 10min, {}, true})},
      {"strict_host_key_checking",
       set(&SshSettings::strict_host_key_checking, read_host_key_checking)},
      {"multiplex", boolean(&SshSettings::multiplex)},
      {"options", read_ssh_options},
  };
  return schema;
}

}  // namespace mirrord
