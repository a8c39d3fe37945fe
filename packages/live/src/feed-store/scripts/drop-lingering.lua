--[[
  Forgets that a feed was wanted, if those who wanted it have left it and nobody has wanted it since.
  KEYS[1] wanted   sorted set
  KEYS[2] left     sorted set
  ARGV[1] feed     SOURCE:SYMBOL
  Returns 1 if nobody wants it now, 0 if somebody does
]]
local wanted, left, feed = KEYS[1], KEYS[2], ARGV[1]

local till, leftTill = redis.call("ZSCORE", wanted, feed), redis.call("ZSCORE", left, feed)
if till and (not leftTill or tonumber(till) > tonumber(leftTill)) then return 0 end
redis.call("ZREM", wanted, feed)
redis.call("ZREM", left, feed)
return 1
