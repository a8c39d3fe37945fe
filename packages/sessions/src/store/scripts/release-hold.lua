--[[
  Lets the playhead move on after a command that changed nothing, unless another command holds it by now.
  KEYS[1] readers   hash
  ARGV[1] rev       the session's revision
  ARGV[2] until_ms  as hold.lua returned it
]]
local held = redis.call("HGET", KEYS[1], "hold")
if held == ARGV[1] .. " " .. ARGV[2] then redis.call("HDEL", KEYS[1], "hold") end
