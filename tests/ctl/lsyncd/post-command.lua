-- A default with a part of it replaced, and a key of its own that the replacement reads.
local with_command = {
  default.rsync,
  checkgauge = { default.rsync.checkgauge, postcmd = true },
  maxProcesses = 1,
  action = function(inlet)
    return default.rsync.action(inlet)
  end,
  rsync = { archive = true },
}

sync {
  with_command,
  source  = "/srv/www",
  target  = "web:/srv/www",
  rsync   = { compress = true },
  postcmd = "systemctl reload nginx",
}
