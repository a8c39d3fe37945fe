--[[
  Appends a frame to a live tape and publishes it, if the writer still holds the claim and no earlier frame is missing. The first
  frame of a new tape removes the stream of the old one.
  KEYS[1] live       stream, and the channel of the same name
  KEYS[2] feed       hash
  ARGV[1] owner      the writer's claim
  ARGV[2] tape       that the frame belongs to
  ARGV[3] seq
  ARGV[4] message    the frame, as it is stored and published
  ARGV[5] keep_from  earlier frames may leave the stream once they are stored
  ARGV[6..] field, value, field, value, ... that change with this frame
  Returns 1 if it was appended, 2 if it is there already, 0 if another writer holds the claim, -1 if Redis lacks the frame before it
]]
local live, feed = KEYS[1], KEYS[2]
local owner, tape, seq, message, keep_from = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])

local has = redis.call("HMGET", feed, "owner", "tape", "last_seq", "stored_seq")
if not has[1] then return -1 end
if has[1] ~= owner then return 0 end
if has[2] == "" and seq == 0 then
  redis.call("DEL", live)
elseif has[2] ~= tape then
  return -1
else
  local last = tonumber(has[3])
  if seq <= last then return 2 end
  if seq ~= last + 1 or redis.call("EXISTS", live) == 0 then return -1 end
end

redis.call("XADD", live, string.format("%.0f-1", seq), "m", message)
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call("HSET", feed, "last_seq", ARGV[3], "seen_ms", string.format("%.0f", now))
if #ARGV > 5 then
  local rev = string.format("%.0f", math.max(now, redis.call("HGET", feed, "rev") + 1))
  redis.call("HSET", feed, "rev", rev, unpack(ARGV, 6))
  local fields, hash = redis.call("HGETALL", feed), {}
  for i = 1, #fields, 2 do hash[fields[i]] = fields[i + 1] end
  redis.call("PUBLISH", live, "1 U " .. rev .. "\n" .. cjson.encode(hash))
  has[4] = hash.stored_seq
end
local kept = math.min(keep_from, has[4] + 1)
redis.call("XTRIM", live, "MINID", string.format("%.0f", kept))
redis.call("PUBLISH", live, message)
return 1
