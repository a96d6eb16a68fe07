// A machine made of plain values, for what the configuration asks its host about.
//
// We are root there. It knows the user "webmgr", directories at all paths that begin neither with
// "/missing" nor, as files do, with "/file", and one readable file, "/etc/mirrord/exclude".
#pragma once

#include "core/config.hpp"

#include <string>

namespace mirrord::test {

inline const char* const kExcludeFile = "# kept\n; also kept\n\n*.tmp\n- /cache\nodd name\n";

inline Host config_host() {
  Host host;
  host.find_user = [](const std::string& user) -> std::optional<User> {
    if (user.empty()) return User{"root", "/root", 0, 0, {0}};
    if (user == "webmgr") return User{"webmgr", "/home/webmgr", 1001, 1001, {33, 1001}};
    return std::nullopt;
  };
  host.path_kind = [](const std::string& path) {
    if (path.starts_with("/missing")) return PathKind::missing;
    return path.starts_with("/file") ? PathKind::other : PathKind::directory;
  };
  host.others_write_what_root_reads = [](const std::string& path) {
    return path.starts_with("/shared");
  };
  host.read_file = [](const std::string& path) -> Host::Text {
    if (path == "/etc/mirrord/exclude") return {kExcludeFile, ""};
    if (path == "/etc/mirrord/clear") return {"!\n", ""};
    if (path == "/etc/mirrord/include") return {"*.tmp\n+ keep\n", ""};
    return {std::nullopt, "No such file or directory"};
  };
  return host;
}

/// The texts of all diagnostics, a line each.
inline std::string texts_of(const ParsedConfig& parsed) {
  std::string text;
  for (const Diagnostic& one : parsed.diagnostics)
    text += (one.severity == Severity::warning ? "warning: " : "") + one.text() + "\n";
  return text;
}

inline ParsedConfig parse(const std::string& text) {
  return parse_config({{"a.toml", text}}, config_host());
}

}  // namespace mirrord::test
