-- Layer 0: a timer of its own.
settings.nodaemon = true

local function discard(inlet)
  inlet.discardEvent(inlet.getEvent())
end

local watched = sync { source = "/usr/local/etc", action = discard }

local function beep(timestamp, extra)
  spawn(extra.inlet.createBlanketEvent(), "/bin/echo", extra.message)
  alarm(timestamp + 5, beep, extra)
end

alarm(now() + 5, beep, { inlet = watched, message = "beep" })
