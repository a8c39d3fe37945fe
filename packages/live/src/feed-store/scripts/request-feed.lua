--[[
  Requests a feed for a session for the linger time from now, and releases the session's former request. Never shortens the demand
  of other sessions.
  KEYS[1] wanted   sorted set
  KEYS[2] left     sorted set
  KEYS[3] of       sorted set: the requests of the session's owner
  KEYS[4] for      sorted set: the sessions that request this feed; its name ends in the feed's
  KEYS[5] listed   set
  KEYS[6] begun    counter: feeds that the owner has started
  ARGV[1] feed     SOURCE:SYMBOL
  ARGV[2] symbol
  ARGV[3] session
  ARGV[4] linger   in ms
  ARGV[5] most     feeds that one owner may request at a time, 0 for any number
  ARGV[6] begins   feeds that one owner may start in a period, 0 for any number
  ARGV[7] period   in ms
  Returns 1. Otherwise nothing is changed: -1 if the venue does not list the symbol, 0 if the owner requests too many feeds; if it
  has started too many, -2 minus the ms until the period ends
]]
local wanted, left, of, its, listed, begun = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local feed, symbol, session, linger, most = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local begins, period = tonumber(ARGV[6]), ARGV[7]

local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local over, untilMs = string.format("(%.0f", now), string.format("%.0f", now + linger)
local demand = session .. " " .. feed

redis.call("ZREMRANGEBYSCORE", of, "-inf", over)
if not redis.call("ZSCORE", of, demand) then
  if redis.call("EXISTS", listed) == 1 and redis.call("SISMEMBER", listed, symbol) == 0 then return -1 end
  local others, count, before = {}, 0, nil
  for _, other in ipairs(redis.call("ZRANGE", of, 0, -1)) do
    local at = string.find(other, " ", 1, true)
    local name = string.sub(other, at + 1)
    if string.sub(other, 1, at - 1) == session then
      before = name
    elseif not others[name] then
      others[name] = true
      count = count + 1
    end
  end
  if most > 0 and count >= most and not others[feed] then return 0 end
  local runsUntil = redis.call("ZSCORE", wanted, feed)
  if begins > 0 and (not runsUntil or tonumber(runsUntil) <= now) then
    if tonumber(redis.call("GET", begun) or 0) >= begins then return -2 - redis.call("PTTL", begun) end
    if redis.call("INCR", begun) == 1 then redis.call("PEXPIRE", begun, period) end
  end
  if before then
    redis.call("ZREM", of, session .. " " .. before)
    -- An undeclared key, but in the same slot.
    local former = string.sub(its, 1, #its - #feed) .. before
    redis.call("ZREM", former, session)
    redis.call("ZREMRANGEBYSCORE", former, "-inf", over)
    local till = redis.call("ZSCORE", wanted, before)
    if till and redis.call("EXISTS", former) == 0 then redis.call("ZADD", left, till, before) end
  end
end

redis.call("ZADD", of, untilMs, demand)
redis.call("PEXPIRE", of, linger)
redis.call("ZADD", its, untilMs, session)
redis.call("PEXPIRE", its, linger)
redis.call("ZADD", wanted, "GT", untilMs, feed)
redis.call("ZREM", left, feed)
return 1
