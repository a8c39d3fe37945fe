--[[
  Appends a batch of events to the track of a live tape, if the writer still holds the claim, and says up to which frame the track has
  everything. Events of another tape are removed first.
  KEYS[1] events     stream: a batch each, `{next_n}-1`
  KEYS[2] feed       hash; its field track_through is `{tape} {seq}`
  ARGV[1] owner      the writer's claim
  ARGV[2] tape       that the events belong to
  ARGV[3] first_n    number of the first event
  ARGV[4] next_n     one more than that of the last; the same as first_n if there is none
  ARGV[5] text       the events, as they are stored
  ARGV[6] keep_from  batches before the one with this next_n leave the stream
  ARGV[7] ttl        milliseconds that the stream lives without another batch
  ARGV[8] through    with this batch the track has all events of the frames up to this one
  Returns 1 if the batch was appended, 2 if it is there already, 0 if another writer holds the claim, -1 if Redis lost the tape or the
  batch does not follow on the last one
]]
local events, feed = KEYS[1], KEYS[2]
local owner, tape, first_n, next_n = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

local has = redis.call("HMGET", feed, "owner", "tape")
if not has[1] then return -1 end
if has[1] ~= owner then return 0 end
if has[2] ~= tape then return -1 end
local last = redis.call("XREVRANGE", events, "+", "-", "COUNT", 1)[1]
if last and last[2][2] ~= tape then
  redis.call("DEL", events)
elseif last then
  local reached = tonumber(string.match(last[1], "^%d+"))
  if next_n <= reached and first_n < next_n then return 2 end
  if first_n < reached then return -1 end
end

redis.call("HSET", feed, "track_through", tape .. " " .. ARGV[8])
if first_n < next_n then
  redis.call("XADD", events, ARGV[4] .. "-1", "t", tape, "m", ARGV[5])
  redis.call("XTRIM", events, "MINID", ARGV[6])
end
redis.call("PEXPIRE", events, ARGV[7])
return 1
