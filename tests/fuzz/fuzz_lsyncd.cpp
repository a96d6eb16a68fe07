// lsyncd's configurations, which are programs: whatever they do, what comes out is TOML, and
// mirrord takes it where nothing was said to be lost.
#include <toml++/toml.h>

#include "core/config.hpp"
#include "ctl/lsyncd_import.hpp"
#include "ctl/lsyncd_toml.hpp"
#include "fuzz/fuzz.hpp"

using namespace mirrord;

namespace {

Host any_machine() {
  return {[](const std::string&) { return User{}; },
          [](const std::string&) { return PathKind::directory; },
          [](const std::string&) {
            return Host::Text{"x\n", ""};
          },
          [](const std::string&) { return false; }};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(fuzz::bytes_of(data, size));
  const ImportHost host{"/", [](const std::string&) { return std::optional<std::string>("x\n"); }};
  const ImportedConfig config = import_lsyncd_record(evaluate_lsyncd(text), text, host);
  const std::string toml = toml_text(config, "fuzz.lua");
  try {
    (void)toml::parse(toml);
  } catch (const toml::parse_error& error) {
    std::fprintf(stderr, "%s\n%s\n", error.what(), toml.c_str());
    fuzz::must(false, "an imported configuration is TOML");
  }
  if (config.losses().empty())
    fuzz::must(parse_config({{"fuzz.toml", toml}}, any_machine()).ok(),
               "an imported configuration without losses is accepted");
  return 0;
}
