#include "core/model.hpp"

#include <algorithm>

namespace mirrord {

const Group* Config::find(const std::string& name) const {
  auto found = std::ranges::find(groups, name, &Group::name);
  return found == groups.end() ? nullptr : &*found;
}

}  // namespace mirrord
