--[[
  Removes the demand for a feed if every request was released and none was made since.
  KEYS[1] wanted   sorted set
  KEYS[2] left     sorted set
  ARGV[1] feed     SOURCE:SYMBOL
  Returns 1 if the feed is out of demand now, else 0
]]
local wanted, left, feed = KEYS[1], KEYS[2], ARGV[1]

local till, leftTill = redis.call("ZSCORE", wanted, feed), redis.call("ZSCORE", left, feed)
if till and (not leftTill or tonumber(till) > tonumber(leftTill)) then return 0 end
redis.call("ZREM", wanted, feed)
redis.call("ZREM", left, feed)
return 1
