#include "ctl/verbs.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "core/model.hpp"
#include "core/status_text.hpp"
#include "io/config_dir.hpp"

namespace mirrord {

namespace {

/// A little less than the 90 s that systemd gives ExecReload= where a unit says nothing else.
constexpr auto kReloadTimeout = std::chrono::seconds(80);

uint64_t now_usec() {
  auto wall = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::duration_cast<Duration>(wall).count());
}

/// On a terminal, unless the user asked for none, https://no-color.org.
bool wants_colours() {
  const char* refused = std::getenv("NO_COLOR");
  return ::isatty(STDOUT_FILENO) == 1 && (!refused || *refused == '\0');
}

void print_counted(size_t number, const char* what) {
  std::printf("%zu %s%s", number, what, number == 1 ? "" : "s");
}

}  // namespace

Exit show_status(const BusClient::Address& address, const Selection& selection) {
  BusClient bus(address);
  Status status = selected(read_status(bus), selection);
  std::fputs(status_text(status, {now_usec(), wants_colours()}).c_str(), stdout);
  return Exit::ok;
}

Exit reload(const BusClient::Address& address) {
  BusClient bus(address);
  bus.call(bus.method(kManagerInterface, "Reload"), kReloadTimeout);
  return Exit::ok;
}

Exit check_config(const std::string& directory) {
  ParsedConfig parsed = load_config(directory);
  for (const Diagnostic& diagnostic : parsed.diagnostics)
    std::fprintf(stderr, "%s%s\n", diagnostic.text().c_str(),
                 diagnostic.severity == Severity::warning ? " (warning)" : "");
  if (!parsed.ok()) return Exit::failed;
  size_t targets = 0;
  for (const Group& group : parsed.config->groups) targets += group.targets.size();
  print_counted(parsed.config->groups.size(), "group");
  std::fputs(", ", stdout);
  print_counted(targets, "target");
  std::puts(": ok");
  return Exit::ok;
}

}  // namespace mirrord
