// The Lua side of ctl/lsyncd_sandbox: what stands in for lsyncd's globals while a configuration
// is evaluated. A function of its arguments (read_file, debug.getinfo, where Lua looks for modules,
// the program's name and text); it returns the record {settings, syncs, calls}.
#pragma once

namespace mirrord {

/// Functions of this chunk count as lsyncd's own.
inline constexpr const char* kLsyncdPreludeName = "=lsyncd";

inline constexpr const char* kLsyncdPrelude = R"lua(
local read_file, getinfo, module_path, name, program = ...
local record = { settings = {}, syncs = {}, calls = {} }

-- The line of whoever called the function that calls this.
local function line()
  local level = 3
  while true do
    local info = getinfo(level, "lS")
    if not info then return 0 end
    if info.source ~= "=lsyncd" and info.currentline > 0 then return info.currentline end
    level = level + 1
  end
end

-- What a sync does not say itself comes from the tables that it lists, as in lsyncd.
local function inherit(into, from)
  for key, value in pairs(from) do
    if type(key) == "string" then
      local own = into[key]
      if own == nil then
        into[key] = value
      elseif type(own) == "table" and type(value) == "table" and #own == 0 and #value == 0 then
        local merged = {}
        inherit(merged, own)
        inherit(merged, value)
        into[key] = merged
      end
    end
  end
  for _, parent in ipairs(from) do
    if type(parent) == "table" then inherit(into, parent) end
  end
  return into
end

local values = {}
settings = setmetatable({}, {
  __index = values,
  __newindex = function(_, key, value)
    values[key] = value
    table.insert(record.settings, { key = tostring(key), value = value, line = line() })
  end,
  __call = function(_, given)
    for key, value in pairs(given) do
      values[key] = value
      table.insert(record.settings, { key = tostring(key), value = value, line = line() })
    end
  end,
})
local own_settings = settings

function sync(given)
  if type(given) ~= "table" then error("sync needs a table: sync{ ... }", 2) end
  table.insert(record.syncs, { keys = inherit({}, given), line = line() })
  return given
end

local function own() end
local function base(name)
  return { base = name, action = own, collect = own, init = own, prepare = own, checkgauge = {} }
end
default = {
  rsync = base("rsync"), rsyncssh = base("rsyncssh"), direct = base("direct"),
  action = own, collect = own, init = own, prepare = own, proxy = {}, checkgauge = {},
}

for _, name in ipairs({ "alarm", "spawn", "spawnShell", "observefd", "nonobservefd" }) do
  _G[name] = function() table.insert(record.calls, { name = name, line = line() }) end
end
function log() end
function now() return 0 end
function terminate() error("the configuration ends lsyncd", 2) end
lsyncd = {}

print = log
collectgarbage = nil
string.dump = nil

-- Lua 5.1
unpack = table.unpack
table.getn = function(list) return #list end
table.maxn = function(list)
  local last = 0
  for key in pairs(list) do
    if type(key) == "number" and key > last then last = key end
  end
  return last
end
table.foreach = function(list, f)
  for key, value in pairs(list) do
    local result = f(key, value)
    if result ~= nil then return result end
  end
end
table.foreachi = function(list, f)
  for key, value in ipairs(list) do
    local result = f(key, value)
    if result ~= nil then return result end
  end
end
string.gfind = string.gmatch
math.pow = function(a, b) return a ^ b end
math.mod = math.fmod
math.log10 = function(x) return math.log(x, 10) end

local load_any = load
function load(chunk, name, _, ...) return load_any(chunk, name, "t", ...) end
loadstring = load
-- As Lua reads files: without a byte order mark, and without a first line for the kernel.
local function load_text(text, ...)
  return load_any(text:gsub("^\239\187\191", ""):gsub("^#[^\n]*", ""), ...)
end
function loadfile(path, _, ...)
  local text, why = read_file(path)
  if not text then return nil, why end
  return load_text(text, "@" .. path, "t", ...)
end
function dofile(path) return assert(loadfile(path))() end

local function lines_of(text)
  local place = 1
  return function()
    if place > #text then return nil end
    local stop = text:find("\n", place, true) or #text + 1
    local found = text:sub(place, stop - 1)
    place = stop + 1
    return found
  end
end
local function file_of(text)
  local next_line = lines_of(text)
  local file = {}
  function file:read(what)
    if type(what) == "string" and what:gsub("^%*", ""):sub(1, 1) == "a" then return text end
    return next_line()
  end
  function file:lines() return next_line end
  function file:close() return true end
  return file
end
local function no_output(_, mode)
  return mode and not tostring(mode):match("^rb?$")
end
io = { write = log, stdout = { write = log }, stderr = { write = log } }
function io.open(path, mode)
  if no_output(path, mode) then return nil, path .. ": only reading is possible here" end
  local text, why = read_file(path)
  if not text then return nil, why end
  return file_of(text)
end
function io.lines(path) return lines_of(assert(read_file(path))) end
function io.popen() error("a configuration cannot run commands here", 2) end

local system = os
os = { clock = system.clock, date = system.date, difftime = system.difftime,
       getenv = system.getenv, time = system.time }
os.exit = terminate
function os.execute() error("a configuration cannot run commands here", 2) end
debug = nil

-- Modules are files in Lua; what would load a library has no counterpart.
package = { path = module_path, cpath = "", preload = {}, loaded = {
  _G = _G, string = string, table = table, math = math, io = io, os = os } }
local package = package
package.loaded.package = package
local function loader_of(module)
  if package.preload[module] then return package.preload[module] end
  if type(package.path) ~= "string" then error("'package.path' must be a string", 3) end
  for template in package.path:gmatch("[^;]+") do
    local path = template:gsub("%?", (module:gsub("%.", "/")))
    if read_file(path) then return assert(loadfile(path)), path end
  end
  error("module '" .. module .. "' is not available here", 3)
end
function require(module)
  local loaded = package.loaded
  if loaded[module] then return loaded[module] end
  local loader, path = loader_of(module)
  local result = loader(module, path)
  if result ~= nil then loaded[module] = result end
  if loaded[module] == nil then loaded[module] = true end
  return loaded[module]
end

local run, why = load_text(program, name, "t")
if not run then error(why, 0) end
run()

-- Before lsyncd 2.1 the settings were assigned as a table.
if type(settings) == "table" and settings ~= own_settings then
  for key, value in pairs(settings) do table.insert(record.settings, { key = tostring(key), value = value, line = 0 }) end
end
return record
)lua";

}  // namespace mirrord
