// File names as text: printable UTF-8 without control characters, from which the name can be read.
#include <clocale>
#include <cstdlib>

#include "core/escape.hpp"
#include "fuzz/fuzz.hpp"

using namespace mirrord;

namespace {

std::string unescaped(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      bytes += text[i];
      continue;
    }
    const char kind = text.at(++i);
    if (kind == 'x') {
      bytes += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      bytes += kind == 'n' ? '\n' : kind == 't' ? '\t' : kind == 'r' ? '\r' : kind;
    }
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes = fuzz::bytes_of(data, size);
  const std::string text = escape(bytes);
  for (const char c : text)
    fuzz::must(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "no control character is left");
  fuzz::must(std::mbstowcs(nullptr, text.c_str(), 0) != static_cast<size_t>(-1), "it is UTF-8");
  fuzz::must(unescaped(text) == bytes, "the name can be read from it");
  return 0;
}

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  fuzz::must(std::setlocale(LC_ALL, "C.UTF-8") != nullptr, "there is a UTF-8 locale");
  return 0;
}
