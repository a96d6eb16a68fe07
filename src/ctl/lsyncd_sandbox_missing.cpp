// In place of ctl/lsyncd_sandbox.cpp where there is no Lua to build with.
#include "ctl/lsyncd_sandbox.hpp"

namespace mirrord {

LsyncdRecord evaluate_lsyncd(const std::string&) {
  LsyncdRecord record;
  record.error.text = "this mirrorctl was built without Lua, which a configuration of lsyncd needs";
  return record;
}

}  // namespace mirrord
