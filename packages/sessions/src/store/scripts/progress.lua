--[[
  Records how far gateways have shown sessions while their ticker was silent. Skips sessions whose revision has changed.
  KEYS[1..]       sessions   hashes
  ARGV[2i-1]      rev        the revision of session i that the gateway renders
  ARGV[2i]        shown      the last frame of session i that it showed
]]
for i, session in ipairs(KEYS) do
  local rev, shown = ARGV[2 * i - 1], ARGV[2 * i]
  local has = redis.call("HMGET", session, "rev", "published_seq")
  if has[1] == rev and tonumber(has[2]) < tonumber(shown) then redis.call("HSET", session, "published_seq", shown) end
end
