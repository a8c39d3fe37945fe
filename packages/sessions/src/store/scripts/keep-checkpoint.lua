--[[
  Writes a checkpoint of a session's trading, unless another one was written since the caller read them, or the session is another one.
  KEYS[1] session      hash
  KEYS[2] checkpoints  hash: "number", "index" and the parts that the index names; it expires with the session
  ARGV[1] created_at   of the session
  ARGV[2] number       that was read, 0 if there was none
  ARGV[3] index        the new one
  ARGV[4] dropped      how many parts go, "all" for all that there are
  ARGV[5..] names of these, then part, bytes, part, bytes, ...
  Returns 1 if it was written, 0 if not
]]
local session, checkpoints = KEYS[1], KEYS[2]
local createdAt, number, index, dropped = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]

if redis.call("HGET", session, "created_at") ~= createdAt then return 0 end
if tonumber(redis.call("HGET", checkpoints, "number") or 0) ~= number then return 0 end

local parts = 5
if dropped == "all" then
  redis.call("DEL", checkpoints)
else
  parts = 5 + tonumber(dropped)
  for at = 5, parts - 1 do redis.call("HDEL", checkpoints, ARGV[at]) end
end
redis.call("HSET", checkpoints, "number", number + 1, "index", index)
for at = parts, #ARGV, 2 do redis.call("HSET", checkpoints, ARGV[at], ARGV[at + 1]) end
redis.call("EXPIRE", checkpoints, redis.call("TTL", session))
return 1
