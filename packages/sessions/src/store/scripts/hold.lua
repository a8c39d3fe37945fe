--[[
  Reads a session for a command, and keeps the playhead of one in lossless pace where it is until the command is written.
  KEYS[1] session   hash
  KEYS[2] viewers   hash
  KEYS[3] readers   hash; the field "hold" is set: "rev until_ms"
  ARGV[1] ms        how long
  Returns {fields and values, empty if there is none; viewers and values; {seconds, microseconds}; until when it is held, in ms, 0 if it moves
  by the clock or stands}
]]
local session, viewers, readers = KEYS[1], KEYS[2], KEYS[3]
local ms = tonumber(ARGV[1])

local has = redis.call("HMGET", session, "rev", "pace", "state")
local time = redis.call("TIME")
local till = "0"
if has[2] == "lossless" and has[3] == "PLAYING" then
  till = string.format("%.3f", time[1] * 1000 + time[2] / 1000 + ms)
  redis.call("HSET", readers, "hold", has[1] .. " " .. till)
  redis.call("PEXPIRE", readers, 60 * ms)
end
return { redis.call("HGETALL", session), redis.call("HGETALL", viewers), time, till }
