// Evaluates an lsyncd configuration, which is a Lua program, and records what it asks for.
//
// A real Lua runs it, with lsyncd's own globals in place of lsyncd: loops, variables and functions
// just happen. The program may read files (regular ones, of limited size) and the environment,
// and nothing else; its instructions and its memory are bounded. Lua 5.1's names work too. What
// the records mean is core knowledge of lsyncd and not known here: see ctl/lsyncd_import.
#pragma once

#include <string>
#include <vector>

#include "ctl/lua_value.hpp"

namespace mirrord {

struct LsyncdSetting {
  std::string key;
  LuaValue value;
  int line = 0;
};

/// One call of sync{}, with all that it inherited. The field "base" is "rsync", "rsyncssh" or
/// "direct" where it built on one of those.
struct LsyncdSync {
  LuaTable keys;
  int line = 0;
};

/// A call of a function that only a running lsyncd has, such as alarm().
struct LsyncdCall {
  std::string name;
  int line = 0;
};

/// Why the program ended early; no text = it did not.
struct LsyncdError {
  std::string text;
  int line = 0;  ///< 0 = unknown
};

struct LsyncdRecord {
  std::vector<LsyncdSetting> settings;  ///< in order of line and key
  std::vector<LsyncdSync> syncs;
  std::vector<LsyncdCall> calls;
  LsyncdError error;
};

LsyncdRecord evaluate_lsyncd(const std::string& text);

}  // namespace mirrord
