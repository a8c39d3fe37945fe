--[[
  Lets exactly one caller handle an index entry: changes its score, or removes it, if it still has the score that was read.
  KEYS[1] index     sorted set
  ARGV[1] member
  ARGV[2] score     as it was read
  ARGV[3] new       its score from now on, empty to remove it
  Returns 1 if it was done, 0 if the entry is gone or has changed
]]
local index = KEYS[1]
local member, score, new = ARGV[1], ARGV[2], ARGV[3]

local current = redis.call("ZSCORE", index, member)
if not current or tonumber(current) ~= tonumber(score) then return 0 end

if new == "" then redis.call("ZREM", index, member) else redis.call("ZADD", index, new, member) end
return 1
