--[[
  A session wants no feed any more.
  KEYS[1] wanted   sorted set
  KEYS[2] left     sorted set: the feed comes here where nobody else wants it
  KEYS[3] of       sorted set: what the session's owner wants
  KEYS[4] for      what the names of the sets of those who want a feed begin with
  ARGV[1] session
  ARGV[2] until    a wish for longer than that was made since, and stands; empty: none does
  Returns 1 if it wanted one, else 0
]]
local wanted, left, of, its = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local session, upTo = ARGV[1], tonumber(ARGV[2])

local time = redis.call("TIME")
local over = string.format("(%.0f", time[1] * 1000 + math.floor(time[2] / 1000))
for _, wish in ipairs(redis.call("ZRANGE", of, 0, -1)) do
  local at = string.find(wish, " ", 1, true)
  local stands = upTo and tonumber(redis.call("ZSCORE", of, wish)) > upTo
  if string.sub(wish, 1, at - 1) == session and not stands then
    local feed = string.sub(wish, at + 1)
    -- A key that is not declared, but in the slot of the others.
    local former = its .. feed
    redis.call("ZREM", of, wish)
    redis.call("ZREM", former, session)
    redis.call("ZREMRANGEBYSCORE", former, "-inf", over)
    local till = redis.call("ZSCORE", wanted, feed)
    if till and redis.call("EXISTS", former) == 0 then redis.call("ZADD", left, till, feed) end
    return 1
  end
end
return 0
