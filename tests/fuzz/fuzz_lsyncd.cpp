// lsyncd's configurations, which are programs: whatever they do, what comes out is TOML.
#include <toml++/toml.h>

#include "ctl/lsyncd_import.hpp"
#include "ctl/lsyncd_toml.hpp"
#include "fuzz/fuzz.hpp"

using namespace mirrord;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(fuzz::bytes_of(data, size));
  const ImportHost host{"/", [](const std::string&) { return std::optional<std::string>("x\n"); }};
  const ImportedConfig config = import_lsyncd_record(evaluate_lsyncd(text), text, host);
  try {
    (void)toml::parse(toml_text(config, "fuzz.lua"));
  } catch (const toml::parse_error& error) {
    std::fprintf(stderr, "%s\n%s\n", error.what(), toml_text(config, "fuzz.lua").c_str());
    fuzz::must(false, "an imported configuration is TOML");
  }
  return 0;
}
