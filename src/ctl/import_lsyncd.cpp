#include "ctl/import_lsyncd.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>

#include "core/escape.hpp"
#include "ctl/lsyncd_import.hpp"
#include "ctl/lsyncd_toml.hpp"
#include "ctl/small_file.hpp"

namespace mirrord {
namespace {

/// Lua counts its own instructions, but not those of a slow pattern in string.find().
constexpr unsigned kTimeLimitSeconds = 5;

extern "C" void out_of_time(int) {
  constexpr char kWords[] = "the configuration does not come to an end\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, kWords, sizeof kWords - 1);
  ::_exit(static_cast<int>(Exit::failed));
}

class TimeLimit {
 public:
  TimeLimit() {
    std::signal(SIGALRM, out_of_time);
    ::alarm(kTimeLimitSeconds);
  }
  ~TimeLimit() { ::alarm(0); }
  TimeLimit(const TimeLimit&) = delete;
  TimeLimit& operator=(const TimeLimit&) = delete;
};

LsyncdRecord evaluate_in_time(const std::string& text) {
  const TimeLimit limit;
  return evaluate_lsyncd(text);
}

void print_losses(const ImportedConfig& config, const std::string& file) {
  for (const ImportRemark& loss : config.losses()) {
    const std::string line = loss.line > 0 ? fmt::format(":{}", loss.line) : "";
    std::fprintf(stderr, "%s%s: %s\n", escape(file).c_str(), line.c_str(),
                 escape(loss.text).c_str());
  }
}

}  // namespace

Exit import_lsyncd(const std::string& file, const std::optional<std::string>& user) {
  const auto user_value = user ? toml_string(*user) : std::nullopt;
  if (user && (user->empty() || !user_value))
    throw Failure(Exit::usage, "--user: '" + escape(*user) + "' is no name of a user");
  const auto [text, error] = read_small_file(file);
  if (!text) throw Failure(Exit::failed, fmt::format("read '{}': {}", file, error));
  const auto record = evaluate_in_time(*text);
  const ImportHost host{std::filesystem::current_path().native(),
                        [](const std::string& path) { return read_small_file(path).content; }};
  auto config = import_lsyncd_record(record, *text, host);
  if (user_value)
    for (ImportedGroup& group : config.groups)
      group.keys.emplace(group.keys.begin(), "user", *user_value);
  std::fputs(toml_text(config, file).c_str(), stdout);
  print_losses(config, file);
  return config.losses().empty() ? Exit::ok : Exit::failed;
}

}  // namespace mirrord
