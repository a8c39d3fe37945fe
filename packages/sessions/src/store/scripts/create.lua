--[[
  Writes a session unless there is one with that id.
  KEYS[1] session   hash
  KEYS[2] viewers   hash
  KEYS[3] epochs    list
  KEYS[4] orders    list
  KEYS[5] actions   list
  KEYS[6] branches  list
  KEYS[7] checkpoints hash
  ARGV[1] ttl       seconds to live
  ARGV[2..] field, value, field, value, ...
  Returns 1 if it was written, 0 if there is one
]]
local session, viewers, epochs, orders = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local actions, branches, checkpoints = KEYS[5], KEYS[6], KEYS[7]
local ttl = ARGV[1]

if redis.call("EXISTS", session) == 1 then return 0 end

redis.call("DEL", viewers, epochs, orders, actions, branches, checkpoints)
redis.call("HSET", session, unpack(ARGV, 2))
redis.call("EXPIRE", session, ttl)
return 1
