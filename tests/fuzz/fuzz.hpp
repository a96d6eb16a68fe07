// What all fuzzers share: what holds for any input is stated by must(), whose failure is a finding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

/// libFuzzer's entry, LLVM's LibFuzzer.rst.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace mirrord::fuzz {

inline void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

inline std::string_view bytes_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// The parts between `separator`s; the last one takes the rest.
inline std::vector<std::string> parts(std::string_view bytes, char separator, size_t most) {
  std::vector<std::string> all;
  for (size_t end; all.size() + 1 < most && (end = bytes.find(separator)) != bytes.npos;) {
    all.emplace_back(bytes.substr(0, end));
    bytes.remove_prefix(end + 1);
  }
  all.emplace_back(bytes);
  return all;
}

}  // namespace mirrord::fuzz
