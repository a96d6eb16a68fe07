// The table ssh = {} of a sync block, and the ssh command in rsync.rsh.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "ctl/lsyncd_conversion.hpp"

namespace mirrord {
namespace {

using Key = const std::string&;

bool same_word(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

void set_port(Conversion& to, Key key, const std::string& port) {
  const bool digits =
      !port.empty() && port.size() < 6 && port.find_first_not_of("0123456789") == std::string::npos;
  if (digits)
    to.set_raw(to.group.ssh, "port", std::to_string(std::stoul(port)));  // TOML has no 022
  else
    to.lose(key, fmt::format("names the port \"{}\", which is no number", port));
}

/// A path as mirrord's own key, or, where only ssh can expand it, as ssh's word.
void set_path(Conversion& to, const char* name, const char* word, const std::string& path) {
  if (path.starts_with('/') && path.find_first_of(" %$\"\\") == std::string::npos)
    to.set_text(to.group.ssh, name, path);
  else
    to.set_text(to.group.ssh_options, word, path);
}

void set_host_key_checking(Conversion& to, Key key, const std::string& value) {
  const std::string word = value == "off" ? "no" : value;
  if (word == "yes" || word == "no" || word == "accept-new")
    to.set_text(to.group.ssh, "strict_host_key_checking", word);
  else
    to.lose(key, "asks about unknown host keys, and nobody is there to answer");
}

/// A keyword of ssh_config(5), which is also a TOML key as it stands.
bool is_keyword(const std::string& word) {
  return !word.empty() && std::ranges::all_of(word, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
}

/// One word of ssh_config(5).
void add_ssh_word(Conversion& to, Key key, const std::string& word, const std::string& value) {
  const auto is = [&](const char* known) { return same_word(word, known); };
  if (is("BatchMode")) return;
  if (is("Port")) return set_port(to, key, value);
  if (is("IdentityFile")) return set_path(to, "identity_file", "IdentityFile", value);
  if (is("UserKnownHostsFile"))
    return set_path(to, "known_hosts_file", "UserKnownHostsFile", value);
  if (is("StrictHostKeyChecking")) return set_host_key_checking(to, key, value);
  if (is("ConnectTimeout") && value.find_first_not_of("0123456789") == std::string::npos)
    return to.set_text(to.group.ssh, "connect_timeout", value + 's');
  if (is("ControlMaster") || is("ControlPath") || is("ControlPersist"))
    return to.note(key, fmt::format("had {}; mirrord shares its connections itself", word));
  if (!is_keyword(word))
    return to.lose(key, fmt::format("holds \"{}\", which is no word of ssh_config(5)", word));
  to.set_text(to.group.ssh_options, word, value);
}

/// "Word=value" or "Word value", as after ssh's -o.
void add_ssh_option(Conversion& to, Key key, const std::string& option) {
  const size_t end = option.find_first_of("= ");
  const size_t value = option.find_first_not_of("= ", end);
  if (end == std::string::npos || value == std::string::npos)
    to.lose(key, fmt::format("holds the ssh option \"{}\" without a value", option));
  else
    add_ssh_word(to, key, option.substr(0, end), option.substr(value));
}

/// Splits at spaces, as rsync's -e does it: quotes keep words together.
std::vector<std::string> words_of(const std::string& command) {
  std::vector<std::string> words;
  bool open = false;
  char quote = 0;
  for (char c : command) {
    if (!quote && (c == ' ' || c == '\t')) {
      open = false;
      continue;
    }
    if (!open) words.emplace_back();
    open = true;
    if (quote ? c == quote : c == '"' || c == '\'')
      quote = quote ? '\0' : c;
    else
      words.back() += c;
  }
  return words;
}

/// An option of ssh(1) that has a value.
void add_ssh_letter(Conversion& to, Key key, char letter, const std::string& value) {
  switch (letter) {
    case 'i':
      return set_path(to, "identity_file", "IdentityFile", value);
    case 'p':
      return set_port(to, key, value);
    case 'F':
      return to.set_text(to.group.ssh, "config_file", value);
    case 'l':
      to.login = value;
      return;
    case 'o':
      return add_ssh_option(to, key, value);
    case 'c':
      return to.set_text(to.group.ssh_options, "Ciphers", value);
    case 'J':
      return to.set_text(to.group.ssh_options, "ProxyJump", value);
    default:
      return;
  }
}

/// Returns false for an option that has no counterpart.
bool add_ssh_flag(Conversion& to, const std::string& word) {
  if (word == "-C") to.set_text(to.group.ssh_options, "Compression", "yes");
  if (word == "-4") to.set_text(to.group.ssh_options, "AddressFamily", "inet");
  if (word == "-6") to.set_text(to.group.ssh_options, "AddressFamily", "inet6");
  if (word == "-A") to.set_text(to.group.ssh_options, "ForwardAgent", "yes");
  constexpr std::string_view kKnown[] = {"-C", "-4", "-6", "-A", "-q", "-T", "-x", "-a", "-n"};
  return std::ranges::find(kKnown, word) != std::end(kKnown);
}

void add_ssh_arguments(Conversion& to, Key key, const std::vector<std::string>& words) {
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (add_ssh_flag(to, word)) continue;
    const bool valued = word.size() > 1 && word.front() == '-' &&
                        std::string_view("ipFlocJ").find(word[1]) != std::string_view::npos;
    if (valued && word.size() > 2)
      add_ssh_letter(to, key, word[1], word.substr(2));
    else if (valued && i + 1 < words.size())
      add_ssh_letter(to, key, word[1], words[++i]);
    else
      to.lose(key, fmt::format("gives ssh the argument \"{}\", for which [.ssh] has no key", word));
  }
}

void read_ssh_binary(Conversion& to, Key key, const LuaValue& value) {
  if (const auto* program = text_in(to, key, value)) to.set_text(to.group.ssh, "program", *program);
}

void read_identity_file(Conversion& to, Key key, const LuaValue& value) {
  if (const auto* path = text_in(to, key, value))
    set_path(to, "identity_file", "IdentityFile", *path);
}

void read_port(Conversion& to, Key key, const LuaValue& value) {
  if (const auto* number = value.as<double>()) return set_port(to, key, number_text(*number));
  if (const auto* port = text_in(to, key, value)) set_port(to, key, *port);
}

void read_ssh_options(Conversion& to, Key key, const LuaValue& value) {
  const auto* table = value.as<LuaTable>();
  if (!table || !table->list.empty()) return to.lose(key, "must be a table of words with values");
  for (const LuaField& field : table->fields) {
    const auto* number = field.value.as<double>();
    const auto* given = field.value.as<std::string>();
    if (number || given)
      add_ssh_word(to, key, field.key, number ? number_text(*number) : *given);
    else
      to.lose(key, fmt::format("holds \"{}\", which is neither text nor number", field.key));
  }
}

void read_ssh_extra(Conversion& to, Key key, const LuaValue& value) {
  std::vector<std::string> words;
  for (const std::string& argument : texts_in(to, key, value))
    std::ranges::move(words_of(argument), std::back_inserter(words));
  add_ssh_arguments(to, key, words);
}

const std::vector<ImportRow>& ssh_rows() {
  static const std::vector<ImportRow> rows = {
      {"binary", read_ssh_binary},   {"identityFile", read_identity_file},
      {"options", read_ssh_options}, {"port", read_port},
      {"_extra", read_ssh_extra},
  };
  return rows;
}

}  // namespace

void read_rsh(Conversion& to, const std::string& key, const LuaValue& value) {
  const auto* command = text_in(to, key, value);
  if (!command) return;
  const auto words = words_of(*command);
  const std::string program = words.empty() ? "" : words.front();
  if (program.substr(program.rfind('/') + 1) != "ssh")
    return to.lose(key,
                   fmt::format("runs \"{}\"; mirrord goes by ssh, see [.ssh] program", program));
  if (program != "ssh") to.set_text(to.group.ssh, "program", program);
  add_ssh_arguments(to, key, {words.begin() + 1, words.end()});
}

void read_ssh_table(Conversion& to, const std::string& key, const LuaValue& value) {
  read_inner_table(ssh_rows(), to, key, value);
}

}  // namespace mirrord
