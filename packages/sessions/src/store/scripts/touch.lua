--[[
  Records activity: the session lives for its whole TTL from now. A gateway also reports how many sockets it has on it.
  KEYS[1] session   hash
  KEYS[2] viewers   hash: gateway -> "sockets deadline_ms"
  KEYS[3] epochs    list
  KEYS[4] orders    list
  KEYS[5] actions   list
  KEYS[6] branches  list
  KEYS[7] checkpoints hash
  ARGV[1] node      the gateway, empty for activity without sockets
  ARGV[2] sockets   how many it has on the session
  Returns {created_at, last_activity, ttl, mode, state, created_by, user_id}, or nothing if the session is gone
]]
local session, viewers, epochs, orders = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local actions, branches, checkpoints = KEYS[5], KEYS[6], KEYS[7]
local node, sockets = ARGV[1], tonumber(ARGV[2])

local ttl = redis.call("HGET", session, "ttl")
if not ttl then return false end

local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call("HSET", session, "last_activity", string.format("%d", now))
if node ~= "" then
  if sockets > 0 then
    -- Gateways report again after two minutes or a quarter of the TTL, whichever is sooner.
    local deadline = now + math.min(300000, ttl * 500)
    redis.call("HSET", viewers, node, string.format("%d %d", sockets, deadline))
  else
    redis.call("HDEL", viewers, node)
  end
end
redis.call("EXPIRE", session, ttl)
redis.call("EXPIRE", viewers, ttl)
redis.call("EXPIRE", epochs, ttl)
redis.call("EXPIRE", orders, ttl)
redis.call("EXPIRE", actions, ttl)
redis.call("EXPIRE", branches, ttl)
redis.call("EXPIRE", checkpoints, ttl)
return redis.call("HMGET", session, "created_at", "last_activity", "ttl", "mode", "state", "created_by", "user_id")
