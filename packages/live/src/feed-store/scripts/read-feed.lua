--[[
  Reads a feed and Redis's clock at once, so that whether its writer lives is judged by one clock.
  KEYS[1] feed   hash
  Returns {fields and values, empty if there is none; {seconds, microseconds}}
]]
return { redis.call("HGETALL", KEYS[1]), redis.call("TIME") }
