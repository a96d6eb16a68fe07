#include "ctl/lsyncd_sandbox.hpp"

#include <lua.hpp>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <system_error>
#include <tuple>

#include "ctl/lsyncd_prelude.hpp"
#include "ctl/small_file.hpp"

namespace mirrord {
namespace {

constexpr size_t kMaxMemory = 64u << 20;
constexpr int kMaxInstructions = 50'000'000;
constexpr int kInstructionsAtOnce = 100'000;
constexpr const char* kProgramName = "=configuration";
constexpr int kMaxDepth = 8;
constexpr int kMaxFields = 100'000;

struct Program {
  const std::string& text;
  size_t memory = 0;
  int instructions = 0;
  std::string file = {};  ///< what read_file() gives to Lua next
};

Program& program_of(lua_State* lua) {
  void* program = nullptr;
  lua_getallocf(lua, &program);
  return *static_cast<Program*>(program);
}

/// lua_Alloc, with a limit. What Lua asks for when it shrinks must not fail.
void* allocate(void* data, void* block, size_t old_size, size_t size) {
  auto& memory = static_cast<Program*>(data)->memory;
  if (!block) old_size = 0;
  if (size > old_size && memory - old_size + size > kMaxMemory) return nullptr;
  void* result = nullptr;
  if (size == 0)
    std::free(block);
  else if (!(result = std::realloc(block, size)))
    return nullptr;
  memory += size - old_size;
  return result;
}

void count(lua_State* lua, lua_Debug*) {
  Program& program = program_of(lua);
  program.instructions += kInstructionsAtOnce;
  if (program.instructions < kMaxInstructions) return;
  // From here on every instruction fails, so that no pcall() can go on.
  lua_sethook(lua, count, LUA_MASKCOUNT, 1);
  luaL_error(lua, "the configuration does not come to an end");
}

/// The whole file into program.file, or why not.
const char* load_file(Program& program, const char* path) noexcept try {
  SmallFile file = read_small_file(path);
  if (file.content) program.file = *std::move(file.content);
  return file.error;
} catch (const std::exception&) {
  return "cannot be read";
}

// Functions that Lua calls hold nothing that a destructor must free: lua_error() is a longjmp.
int read_file(lua_State* lua) {
  const char* path = luaL_checkstring(lua, 1);
  Program& program = program_of(lua);
  if (const char* why = load_file(program, path)) {
    lua_pushnil(lua);
    lua_pushfstring(lua, "%s: %s", path, why);
    return 2;
  }
  lua_pushlstring(lua, program.file.data(), program.file.size());
  return 1;
}

void open_libraries(lua_State* lua) {
  constexpr luaL_Reg kLibraries[] = {
      {LUA_GNAME, luaopen_base},        {LUA_TABLIBNAME, luaopen_table},
      {LUA_STRLIBNAME, luaopen_string}, {LUA_MATHLIBNAME, luaopen_math},
      {LUA_OSLIBNAME, luaopen_os},      {LUA_DBLIBNAME, luaopen_debug},
  };
  for (const luaL_Reg& library : kLibraries) {
    luaL_requiref(lua, library.name, library.func, 1);
    lua_pop(lua, 1);
  }
}

int run(lua_State* lua) {
  const Program& program = program_of(lua);
  open_libraries(lua);
  const std::string_view prelude = kLsyncdPrelude;
  if (luaL_loadbufferx(lua, prelude.data(), prelude.size(), kLsyncdPreludeName, "t") != LUA_OK)
    return lua_error(lua);
  lua_pushcfunction(lua, read_file);
  lua_getglobal(lua, "debug");
  lua_getfield(lua, -1, "getinfo");
  lua_remove(lua, -2);
  lua_pushstring(lua, LUA_PATH_DEFAULT);
  lua_pushstring(lua, kProgramName);
  lua_pushlstring(lua, program.text.data(), program.text.size());
  lua_call(lua, 5, 1);
  return 1;
}

/// Copies values out of a Lua that has stopped. Uses only calls that raise no errors.
class Reader {
 public:
  explicit Reader(lua_State* lua) : lua_(lua) {}

  LsyncdRecord record(int index) {
    LsyncdRecord record;
    const LuaTable top = table(lua_absindex(lua_, index), 0);
    for (const LuaTable& item : tables_in(top, "settings"))
      record.settings.push_back({get<std::string>(item, "key"), value_in(item), line_in(item)});
    for (const LuaTable& item : tables_in(top, "syncs"))
      record.syncs.push_back({get<LuaTable>(item, "keys"), line_in(item)});
    for (const LuaTable& item : tables_in(top, "calls"))
      record.calls.push_back({get<std::string>(item, "name"), line_in(item)});
    if (truncated_) record.error.text = "the configuration holds too many values, or too deep ones";
    // Lua gives tables out in no order, and not in the same one twice.
    std::ranges::stable_sort(record.settings, {},
                             [](const LsyncdSetting& one) { return std::tie(one.line, one.key); });
    return record;
  }

 private:
  template <class Type>
  static Type get(const LuaTable& table, std::string_view key) {
    const LuaValue* value = table.find(key);
    const auto* typed = value ? value->as<Type>() : nullptr;
    return typed ? *typed : Type();
  }
  static std::vector<LuaTable> tables_in(const LuaTable& table, std::string_view key) {
    std::vector<LuaTable> tables;
    for (const LuaValue& item : get<LuaTable>(table, key).list)
      if (const auto* inner = item.as<LuaTable>()) tables.push_back(*inner);
    return tables;
  }
  static LuaValue value_in(const LuaTable& item) {
    const LuaValue* value = item.find("value");
    return value ? *value : LuaValue{false};
  }
  static int line_in(const LuaTable& item) { return static_cast<int>(get<double>(item, "line")); }

  LuaTable table(int index, int depth) {
    LuaTable result;
    if (depth > kMaxDepth || !lua_checkstack(lua_, 4)) {
      truncated_ = true;
      return result;
    }
    read_list(index, depth, result);
    read_fields(index, depth, result);
    return result;
  }

  void read_list(int index, int depth, LuaTable& result) {
    for (lua_Integer i = 1; lua_rawgeti(lua_, index, i) != LUA_TNIL && counted(); ++i) {
      add(result.list, depth);
      lua_pop(lua_, 1);
    }
    lua_pop(lua_, 1);
  }

  void read_fields(int index, int depth, LuaTable& result) {
    for (lua_pushnil(lua_); lua_next(lua_, index) != 0; lua_pop(lua_, 1)) {
      if (lua_type(lua_, -2) != LUA_TSTRING || !counted()) continue;
      std::vector<LuaValue> value;
      add(value, depth);
      if (!value.empty()) result.fields.push_back({string(-2), std::move(value.front())});
    }
    std::ranges::sort(result.fields, {}, &LuaField::key);
  }

  bool counted() {
    truncated_ = truncated_ || ++fields_ > kMaxFields;
    return !truncated_;
  }

  std::string string(int index) {
    size_t size = 0;
    const char* text = lua_tolstring(lua_, index, &size);
    return {text, size};
  }

  /// Adds what is on top of the stack, which stays there, unless lsyncd itself had put it there.
  void add(std::vector<LuaValue>& to, int depth) {
    switch (lua_type(lua_, -1)) {
      case LUA_TBOOLEAN:
        return to.push_back({lua_toboolean(lua_, -1) != 0});
      case LUA_TNUMBER:
        return to.push_back({static_cast<double>(lua_tonumber(lua_, -1))});
      case LUA_TSTRING:
        return to.push_back({string(-1)});
      case LUA_TTABLE:
        return to.push_back({table(lua_gettop(lua_), depth + 1)});
      case LUA_TFUNCTION:
        return add_function(to);
      default:
        return;
    }
  }

  void add_function(std::vector<LuaValue>& to) {
    lua_Debug info;
    lua_pushvalue(lua_, -1);
    lua_getinfo(lua_, ">S", &info);
    if (std::string_view(info.source) != kLsyncdPreludeName)
      to.push_back({LuaFunction{std::max(info.linedefined, 0)}});
  }

  lua_State* lua_;
  int fields_ = 0;
  bool truncated_ = false;
};

/// "configuration:7: why", as luaL_where() puts it, in its two parts. A line of the prelude is
/// nobody's business.
LsyncdError error_of(std::string_view message) {
  for (const char* chunk : {kProgramName, kLsyncdPreludeName}) {
    const std::string_view name = chunk + 1;
    const size_t end = message.find(": ", name.size());
    if (!message.starts_with(name) || end == std::string_view::npos) continue;
    LsyncdError error{std::string(message.substr(end + 2))};
    if (chunk == kProgramName)
      std::from_chars(message.data() + name.size() + 1, message.data() + end, error.line);
    return error;
  }
  return {std::string(message)};
}

struct CloseLua {
  void operator()(lua_State* lua) const { lua_close(lua); }
};

}  // namespace

LsyncdRecord evaluate_lsyncd(const std::string& text) {
  Program program{text};
  const std::unique_ptr<lua_State, CloseLua> lua(lua_newstate(allocate, &program));
  if (!lua) throw std::bad_alloc();
  lua_sethook(lua.get(), count, LUA_MASKCOUNT, kInstructionsAtOnce);
  lua_pushcfunction(lua.get(), run);
  if (lua_pcall(lua.get(), 0, 1, 0) == LUA_OK) return Reader(lua.get()).record(-1);
  LsyncdRecord failed;
  const bool has_text = lua_type(lua.get(), -1) == LUA_TSTRING;
  failed.error = error_of(has_text ? lua_tostring(lua.get(), -1) : "ended with an error");
  return failed;
}

}  // namespace mirrord
