--[[
  Notes how far a ticker has published and that it is alive, unless the session has changed under it.
  KEYS[1] session        hash
  ARGV[1] rev            the revision that the ticker renders
  ARGV[2] published_seq  the last frame it published
  Returns the session's revision: another than ARGV[1] means that nothing was written; -1 if the session is gone
]]
local session = KEYS[1]
local rev, published = ARGV[1], ARGV[2]

local current = redis.call("HGET", session, "rev")
if not current then return -1 end
if current ~= rev then return tonumber(current) end

local time = redis.call("TIME")
local now = string.format("%d", time[1] * 1000 + math.floor(time[2] / 1000))
redis.call("HSET", session, "published_seq", published, "ticker_seen_ms", now)
return tonumber(current)
