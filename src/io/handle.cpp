#include "io/handle.hpp"

#include <cerrno>
#include <system_error>

namespace mirrord {

int check_errno(int result, const std::string& what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

int check(int negative_errno, const std::string& what) {
  if (negative_errno < 0) throw std::system_error(-negative_errno, std::generic_category(), what);
  return negative_errno;
}

bool out_of_descriptors(int error) { return error == EMFILE || error == ENFILE; }

}  // namespace mirrord
