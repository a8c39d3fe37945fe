--[[
  Reads a feed and Redis's clock at once, so that one clock decides whether the claim has expired.
  KEYS[1] feed   hash
  Returns {fields and values, empty without a hash; {seconds, microseconds}}
]]
return { redis.call("HGETALL", KEYS[1]), redis.call("TIME") }
