// The kernel's records: every name lies in the bytes that were read, and what is dropped as
// repeated is told by an event that stays.
#include <algorithm>
#include <set>

#include "fuzz/fuzz.hpp"
#include "io/inotify.hpp"

using namespace mirrord;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes = fuzz::bytes_of(data, size);
  std::vector<WatchEvent> events = parse_records(std::as_bytes(std::span(bytes)));
  std::set<std::pair<int, std::string_view>> entries;
  for (const WatchEvent& event : events) {
    const bool inside = event.name.empty() ||
                        (event.name.data() >= bytes.data() &&
                         event.name.data() + event.name.size() <= bytes.data() + bytes.size());
    fuzz::must(inside, "a name lies in the bytes");
    fuzz::must(event.name.find('\0') == event.name.npos, "a name ends at its NUL");
    entries.emplace(event.wd, event.name);
  }
  drop_repeated(events, [](const WatchEvent& event) { return event.wd % 2 == 0; });
  for (const auto& [wd, name] : entries) {
    const auto is_of_it = [wd = wd, name = name](const WatchEvent& event) {
      return event.wd == wd && event.name == name;
    };
    fuzz::must(std::ranges::any_of(events, is_of_it), "no entry is dropped altogether");
  }
  return 0;
}
