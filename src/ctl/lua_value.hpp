// What a Lua program left behind, as plain values that outlive it.
//
// Numbers keep no difference between 1 and 1.0, tables no metatables, functions nothing but the
// place where they were written.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace mirrord {

struct LuaValue;
struct LuaField;

struct LuaFunction {
  int line = 0;
};

struct LuaTable {
  std::vector<LuaValue> list;    ///< [1], [2], … up to the first gap
  std::vector<LuaField> fields;  ///< with string keys, sorted by them

  /// Null when there is none.
  const LuaValue* find(std::string_view key) const;
};

struct LuaValue {
  std::variant<bool, double, std::string, LuaFunction, LuaTable> value;

  template <class Type>
  const Type* as() const {
    return std::get_if<Type>(&value);
  }
};

struct LuaField {
  std::string key;
  LuaValue value;
};

inline const LuaValue* LuaTable::find(std::string_view key) const {
  const auto found = std::ranges::find(fields, key, &LuaField::key);
  return found == fields.end() ? nullptr : &found->value;
}

}  // namespace mirrord
