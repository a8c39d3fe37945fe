--[[
  Renews a writer's claim.
  KEYS[1] feed   hash
  ARGV[1] owner  the writer's claim
  Returns 1, 0 if another writer holds the claim, -1 if there is no hash
]]
local feed, owner = KEYS[1], ARGV[1]

local holds = redis.call("HGET", feed, "owner")
if not holds then return -1 end
if holds ~= owner then return 0 end
local time = redis.call("TIME")
redis.call("HSET", feed, "seen_ms", string.format("%.0f", time[1] * 1000 + math.floor(time[2] / 1000)))
return 1
