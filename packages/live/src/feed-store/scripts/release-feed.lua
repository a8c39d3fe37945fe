--[[
  Releases a session's request for a feed.
  KEYS[1] wanted   sorted set
  KEYS[2] left     sorted set: receives the feed if no other session requests it
  KEYS[3] of       sorted set: the requests of the session's owner
  KEYS[4] for      prefix of the names of the sets of a feed's sessions
  ARGV[1] session
  ARGV[2] until    a request that lasts longer was made since, and stays; empty: none was
  Returns 1 if a request was released, else 0
]]
local wanted, left, of, its = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local session, upTo = ARGV[1], tonumber(ARGV[2])

local time = redis.call("TIME")
local over = string.format("(%.0f", time[1] * 1000 + math.floor(time[2] / 1000))
for _, demand in ipairs(redis.call("ZRANGE", of, 0, -1)) do
  local at = string.find(demand, " ", 1, true)
  local stands = upTo and tonumber(redis.call("ZSCORE", of, demand)) > upTo
  if string.sub(demand, 1, at - 1) == session and not stands then
    local feed = string.sub(demand, at + 1)
    -- An undeclared key, but in the same slot.
    local former = its .. feed
    redis.call("ZREM", of, demand)
    redis.call("ZREM", former, session)
    redis.call("ZREMRANGEBYSCORE", former, "-inf", over)
    local till = redis.call("ZSCORE", wanted, feed)
    if till and redis.call("EXISTS", former) == 0 then redis.call("ZADD", left, till, feed) end
    return 1
  end
end
return 0
