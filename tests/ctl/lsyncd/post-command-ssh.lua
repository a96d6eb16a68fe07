-- As lsyncd's own example lpostcmd.lua: prepare() puts the target together.
local rsyncpostcmd = {
  default.rsync,
  checkgauge = { default.rsync.checkgauge, host = true, targetdir = true, postcmd = true },
  action = function(inlet)
    local event, config = inlet.getEvent(), inlet.getConfig()
    spawn(event, "/usr/bin/ssh", config.host, config.postcmd)
  end,
  prepare = function(config, level)
    if not config.target then config.target = config.host .. ":" .. config.targetdir end
    return default.rsync.prepare(config, level)
  end,
}

sync {
  rsyncpostcmd,
  delay     = 3,
  source    = "/path/to/src",
  host      = "localhost",
  targetdir = "/path/to/trg",
  postcmd   = "/usr/local/bin/dopostcmd",
}
