# Debian's spdlog comes without a copy of fmt.
find_package(fmt REQUIRED)
add_library(spdlog::spdlog INTERFACE IMPORTED)
set_target_properties(spdlog::spdlog PROPERTIES
  INTERFACE_LINK_LIBRARIES fmt::fmt
  INTERFACE_COMPILE_DEFINITIONS SPDLOG_FMT_EXTERNAL)
