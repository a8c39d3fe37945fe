--[[
  Records how far a ticker has published sessions, and that it is alive. Skips sessions whose revision has changed.
  KEYS[1..]       sessions       hashes
  ARGV[2i-1]      rev            the revision of session i that the ticker renders
  ARGV[2i]        published_seq  the last frame of session i that it published
  Returns i, revision, i, revision, ... of the skipped sessions, with their current revision; -1 if they are gone
]]
local time = redis.call("TIME")
local now = string.format("%d", time[1] * 1000 + math.floor(time[2] / 1000))

local changed = {}
for i, session in ipairs(KEYS) do
  local rev, published = ARGV[2 * i - 1], ARGV[2 * i]
  local has = redis.call("HMGET", session, "rev", "published_seq")
  local current = has[1]
  if current == rev then
    -- Gateways may have shown more while this ticker was frozen.
    if tonumber(has[2]) > tonumber(published) then published = has[2] end
    -- A Redis that is out of memory refuses to write, but still reports what has changed.
    redis.pcall("HSET", session, "published_seq", published, "ticker_seen_ms", now)
  else
    changed[#changed + 1] = i
    changed[#changed + 1] = tonumber(current or -1)
  end
end
return changed
