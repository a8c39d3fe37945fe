--[[
  Deletes a session and its other keys, and publishes that.
  KEYS[1] session   hash, and the channel of the same name
  KEYS[2] viewers   hash
  KEYS[3] epochs    list
  KEYS[4] orders    list
  KEYS[5] actions   list
  KEYS[6] branches  list
  KEYS[7] checkpoints hash
  ARGV[1] body      JSON that names the session
  Returns its fields and values, none if there was no such session
]]
local session, viewers, epochs, orders = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local actions, branches, checkpoints = KEYS[5], KEYS[6], KEYS[7]
local body = ARGV[1]

local fields = redis.call("HGETALL", session)
if #fields == 0 then return fields end

local head = redis.call("HMGET", session, "rev", "epoch")
redis.call("DEL", session, viewers, epochs, orders, actions, branches, checkpoints)
redis.call("PUBLISH", session, "1 D " .. head[1] .. " " .. head[2] .. " 0 0 deleted\n" .. body)
return fields
