// Modes, owners and groups: lsyncd leaves alone what mirrord mirrors.
#include <fmt/format.h>

#include <algorithm>

#include "ctl/lsyncd_conversion.hpp"

namespace mirrord {
namespace {

/// What lsyncd copies only when it is told to, and mirrord unless it is told not to.
struct Attribute {
  const char* key;  ///< lsyncd's, and the name of rsync's option
  char letter;
  const char* things;
};

constexpr Attribute kAttributes[] = {
    {"perms", 'p', "modes"}, {"owner", 'o', "owners"}, {"group", 'g', "groups"}};

/// Whether an option given to rsync as it stands decides about the attribute.
bool decides(std::string_view option, const Attribute& attribute) {
  if (!option.starts_with("--")) {
    const auto letters = option.substr(0, option.find_first_of("BMT@"));  // of options with values
    return letters.find('a') != letters.npos || letters.find(attribute.letter) != letters.npos;
  }
  return option == "--archive" || option == fmt::format("--{}", attribute.key) ||
         option == fmt::format("--no-{}", attribute.key) ||
         option == fmt::format("--no-{}", attribute.letter);
}

const bool* flag_of(const LuaTable* table, std::string_view key) {
  const LuaValue* value = table ? table->find(key) : nullptr;
  return value ? value->as<bool>() : nullptr;
}

}  // namespace

void add_attributes(Conversion& to, const LuaTable* rsync, bool direct) {
  std::string left_alone, advice;
  for (const Attribute& attribute : kAttributes) {
    const auto decided = [&](const std::string& option) { return decides(option, attribute); };
    if (std::ranges::any_of(to.rsync_options, decided)) continue;
    const bool* own = flag_of(rsync, attribute.key);
    const bool* said = own ? own : flag_of(rsync, "archive");
    if (said && *said) continue;
    const std::string option = fmt::format("--no-{}", attribute.key);
    if (said) {
      to.rsync_options.push_back(option);
      continue;
    }
    left_alone += fmt::format("{}{}", left_alone.empty() ? "" : ", ", attribute.things);
    advice += fmt::format("{}\"{}\"", advice.empty() ? "" : ", ", option);
  }
  // Once it runs, default.direct copies by cp -p.
  if (!left_alone.empty() && !direct)
    to.note("", fmt::format("lsyncd left {} alone here, mirrord mirrors them; not to, add to "
                            "rsync.options: {}",
                            left_alone, advice));
}

}  // namespace mirrord
