#include "ctl/small_file.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

namespace mirrord {
namespace {

constexpr uintmax_t kMaxSize = 1u << 20;

}  // namespace

SmallFile read_small_file(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) return {std::nullopt, "no such file"};
  if (!std::filesystem::is_regular_file(status)) return {std::nullopt, "no regular file"};
  if (std::filesystem::file_size(path, error) > kMaxSize) return {std::nullopt, "too large"};
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream content;
  content << stream.rdbuf();
  if (!stream) return {std::nullopt, "cannot be read"};
  return {std::move(content).str()};
}

}  // namespace mirrord
