-- Layers 1 and 2: functions that look at events, for example to convert pictures.
local formats = { jpg = true, png = true }

convert = {
  delay        = 0,
  maxProcesses = 99,
  action = function(inlet)
    local event = inlet.getEvent()
    if formats[event.name] then
      spawn(event, "/usr/bin/convert", event.sourcePath)
    else
      inlet.discardEvent(event)
    end
  end,
  collect = function(event, exitcode) return exitcode end,
  onDelete = function(event) log("Normal", "gone ", event.path) end,
}

sync { convert, source = "/srv/magic", recursive = true }
