-- Layer 3: one command for each kind of event.
local prefix = "nice "

local copy = {
  delay        = 5,
  maxProcesses = 1,
  onStartup    = [[cp -r ^source* ^target]],
  onCreate     = prefix .. [[cp -r ^sourcePath ^targetPathdir]],
  onModify     = prefix .. [[cp -r ^sourcePath ^targetPathdir]],
  onDelete     = [[rm -rf ^targetPath]],
  onMove       = [[mv ^o.targetPath ^d.targetPath]],
}

sync { copy, source = "/srv/in", target = "/srv/out" }
