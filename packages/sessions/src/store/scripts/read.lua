--[[
  Reads a session and Redis's clock at once, so that all nodes compute its playhead by the same clock.
  KEYS[1] session   hash
  KEYS[2] viewers   hash
  Returns {fields and values, empty if there is none; viewers and values; {seconds, microseconds}}
]]
return { redis.call("HGETALL", KEYS[1]), redis.call("HGETALL", KEYS[2]), redis.call("TIME") }
