--[[
  Says that a feed is wanted for some time from now on, and no shorter than somebody else wants it.
  KEYS[1] wanted  sorted set
  ARGV[1] feed    its name in the set
  ARGV[2] linger  in ms
  Returns the time until which it is wanted
]]
local wanted, feed, linger = KEYS[1], ARGV[1], tonumber(ARGV[2])

local time = redis.call("TIME")
local untilMs = string.format("%.0f", time[1] * 1000 + math.floor(time[2] / 1000) + linger)
redis.call("ZADD", wanted, "GT", untilMs, feed)
return redis.call("ZSCORE", wanted, feed)
