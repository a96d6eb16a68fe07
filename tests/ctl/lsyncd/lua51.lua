-- As written for Lua 5.1, and for lsyncd 2.0, whose settings were a table.
settings = { logfile = "/var/log/lsyncd.log", inotifyMode = "CloseWrite or Modify", delay = 3 }

local hosts = { "a", "b", "c" }
local first, second = unpack(hosts)
local suffix = assert(loadstring("return '.example'"))()

local function targets()
  local list = {}
  for host in string.gfind(first .. " " .. second, "%a+") do
    table.insert(list, host .. suffix .. ":/srv")
  end
  table.foreachi(hosts, function(index, host)
    if index > table.getn(list) then list[index] = host .. suffix .. ":/srv" end
  end)
  return list
end

for _, to in pairs(targets()) do
  sync { default.rsync, source = "/srv/www", target = to, rsync = { archive = true } }
end
