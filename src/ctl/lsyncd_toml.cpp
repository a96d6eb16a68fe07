#include "ctl/lsyncd_toml.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>

#include "core/escape.hpp"

namespace mirrord {
namespace {

constexpr size_t kLineWidth = 98;

std::string place(const ImportRemark& remark) {
  return remark.line > 0 ? fmt::format("line {}: ", remark.line) : "";
}

/// "# " before each line; words stay whole.
std::string comment(const std::string& text) {
  std::string lines, line = "#";
  const std::string printable = escape(text);
  for (size_t start = 0; start < printable.size();) {
    const size_t end = std::min(printable.find(' ', start), printable.size());
    if (line.size() > 1 && line.size() + 1 + (end - start) > kLineWidth) {
      lines += line + '\n';
      line = "#  ";
    }
    line += ' ' + printable.substr(start, end - start);
    start = end + 1;
  }
  return lines + line + '\n';
}

std::string comments(const std::vector<ImportRemark>& remarks) {
  std::string text;
  for (const ImportRemark& remark : remarks)
    text += comment((remark.loss ? "NOT CARRIED OVER: " : "") + place(remark) + remark.text);
  return text;
}

std::string keys(const TomlKeys& pairs) {
  std::string text;
  for (const auto& [key, value] : pairs) text += fmt::format("{} = {}\n", key, value);
  return text;
}

/// A group's name as a part of a dotted key.
std::string toml_key(const std::string& name) {
  return name.find('.') == std::string::npos ? name : '"' + name + '"';
}

/// A table with its header; nothing when it is empty.
std::string table(const std::string& name, const TomlKeys& pairs) {
  return pairs.empty() ? "" : fmt::format("\n[{}]\n{}", name, keys(pairs));
}

std::string list_of(const std::vector<ImportedTarget>& targets) {
  std::string text = "targets = [\n";
  for (const ImportedTarget& target : targets)
    text += fmt::format("  {},\n", *toml_string(target.to));
  return text + "]\n";
}

std::string lines(const ImportedGroup& group) {
  std::string text = group.lines.size() == 1 ? "line " : "lines ";
  for (size_t i = 0; i < group.lines.size(); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(group.lines[i]);
  return text;
}

std::string group_text(const ImportedGroup& group) {
  const std::string name = "groups." + toml_key(group.name);
  return fmt::format("\n# From sync{{}}, {}.\n{}[{}]\nsource = {}\n{}{}{}{}{}", lines(group),
                     comments(group.remarks), name, *toml_string(group.source),
                     list_of(group.targets), keys(group.keys), table(name + ".rsync", group.rsync),
                     table(name + ".ssh", group.ssh),
                     table(name + ".ssh.options", group.ssh_options));
}

}  // namespace

std::optional<std::string> toml_string(const std::string& bytes) {
  std::string text = "\"";
  for (char c : bytes) {
    if (c == '"' || c == '\\')
      text += {'\\', c};
    else if (static_cast<unsigned char>(c) < ' ' || c == 0x7f)
      text += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      text += c;
  }
  text += '"';
  try {
    [[maybe_unused]] const auto parsed = toml::parse("text = " + text);
  } catch (const toml::parse_error&) {
    return std::nullopt;
  }
  return text;
}

std::string toml_text(const ImportedConfig& config, const std::string& name) {
  std::string text =
      comment(fmt::format("Made from '{}' by mirrorctl import-lsyncd; see mirrord.toml(5).", name));
  text += comments(config.remarks);
  text += table("daemon", config.daemon);
  text += table("defaults", config.defaults);
  for (const ImportedGroup& group : config.groups) text += group_text(group);
  return text;
}

}  // namespace mirrord
