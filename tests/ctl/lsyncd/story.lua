-- Two web servers get the real directories behind the links of webmgr.
settings {
  logfile        = "/var/log/lsyncd/lsyncd.log",
  statusFile     = "/var/log/lsyncd/lsyncd.status",
  inotifyMode    = "Modify",
  maxProcesses   = 8,
  insist         = true,
}

local key = "/home/webmgr/.ssh/sync-rsa2048.key"
local images = { "tgt1.host.local", "tgt2.host.local" }
local cgis   = { "tgt1.host.local", "tgt2.host.local" }

for _, host in ipairs(images) do
  sync {
    default.rsync,
    source = "/home/imgcms/images/",
    target = "webmgr@" .. host .. ":/home/webmgr/contents/images/",
    delay  = 0,
    rsync  = {
      archive  = true,
      compress = true,
      rsh      = "/usr/bin/ssh -i " .. key,
    },
  }
end

for _, host in ipairs(cgis) do
  sync {
    default.rsync,
    source = "/home/cgicms/cgi-bins/",
    target = "webmgr@" .. host .. ":/home/webmgr/contents/cgi-bins/",
    delay  = 0,
    rsync  = {
      archive  = true,
      compress = true,
      rsh      = "/usr/bin/ssh -i " .. key,
    },
  }
end
