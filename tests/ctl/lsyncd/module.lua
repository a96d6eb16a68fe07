-- Tells a chat room about events; needs a module that only lsyncd's own Lua has.
local socket = require("socket")
sync { source = "/srv", action = function() end }
