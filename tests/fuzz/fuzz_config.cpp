// The files in /etc/mirrord: either a whole configuration or problems, each at a place in the text.
#include <algorithm>

#include "core/config.hpp"
#include "core/escape.hpp"
#include "fuzz/fuzz.hpp"

using namespace mirrord;

namespace {

Host any_host() {
  Host host;
  host.find_user = [](const std::string& user) {
    return user.empty() || user.size() % 2 == 1 ? std::optional(User{user, "/", 1, 1, {}})
                                                : std::nullopt;
  };
  host.path_kind = [](const std::string& path) { return static_cast<PathKind>(path.size() % 3); };
  host.others_write_what_root_reads = [](const std::string& path) { return path.size() % 5 == 4; };
  host.read_file = [](const std::string& path) -> Host::Text {
    if (path.size() % 3 == 0) return {std::nullopt, "No such file or directory"};
    return {path, ""};
  };
  return host;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<ConfigFile> files;
  for (const auto& text : fuzz::parts(fuzz::bytes_of(data, size), '\0', 3))
    files.push_back({std::string(1, static_cast<char>('a' + files.size())), text});
  const ParsedConfig parsed = parse_config(files, any_host());

  const bool problem = std::ranges::any_of(
      parsed.diagnostics, [](const Diagnostic& one) { return one.severity == Severity::problem; });
  fuzz::must(parsed.ok() != problem, "a configuration or a problem");
  for (const Diagnostic& one : parsed.diagnostics) {
    const auto file = std::ranges::find(files, one.file, &ConfigFile::name);
    fuzz::must(file != files.end(), "a diagnostic is about one of the files");
    const auto lines = static_cast<size_t>(std::ranges::count(file->text, '\n')) + 1;
    fuzz::must(one.line <= lines, "a diagnostic is about a line of its file");
    fuzz::must(!one.message.empty(), "a diagnostic says something");
    fuzz::must(printable(one.text()) == one.text(), "a diagnostic is one printable line");
  }
  return 0;
}
