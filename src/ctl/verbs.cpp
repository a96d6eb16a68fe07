#include "ctl/verbs.hpp"

#include <chrono>
#include <cstdio>

#include "core/model.hpp"
#include "io/config_dir.hpp"

namespace mirrord {

namespace {

/// A little less than the 90 s that systemd gives ExecReload= where a unit says nothing else.
constexpr auto kReloadTimeout = std::chrono::seconds(80);

void print_counted(size_t number, const char* what) {
  std::printf("%zu %s%s", number, what, number == 1 ? "" : "s");
}

}  // namespace

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
