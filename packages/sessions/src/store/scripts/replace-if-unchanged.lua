--[[
  Writes fields of a session if it has not changed since the caller read it, and publishes the change.
  KEYS[1] session   hash, and the channel of the same name
  KEYS[2] viewers   hash
  KEYS[3] epochs    list
  KEYS[4] orders    list
  KEYS[5] actions   list
  KEYS[6] branches  list
  KEYS[7] checkpoints hash
  ARGV[1] rev       the revision that was read
  ARGV[2] ttl       seconds to live from now, 0 to keep the current TTL
  ARGV[3] message   what to publish
  ARGV[4] ended     the epoch that this change ends, a JSON object that gets the time of this write; empty if it ends none
  ARGV[5] order     the order that this change places, empty for none
  ARGV[6] keep      how many ended epochs to remember
  ARGV[7] by        Redis's time in ms after which nothing is written, 0 for any time
  ARGV[8] actions   what to add to the log of actions, a line each, empty for nothing
  ARGV[9] length    how many actions the log has before
  ARGV[10] branch   what this change undoes, empty for nothing
  ARGV[11] branches how many branches to remember
  ARGV[12..] field, value, field, value, ... with the new revision among them
  Returns 1 if it was written, 0 if another change came first, -1 if the session is gone, -2 if it is too late
]]
local session, viewers, epochs, orders = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local actions, branches, checkpoints = KEYS[5], KEYS[6], KEYS[7]
local rev, ttl, message, ended, order, keep = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local by = tonumber(ARGV[7])
local added, length, branch, keepBranches = ARGV[8], tonumber(ARGV[9]), ARGV[10], tonumber(ARGV[11])

local current = redis.call("HGET", session, "rev")
if not current then return -1 end
if current ~= rev then return 0 end
if by > 0 then
  local time = redis.call("TIME")
  if time[1] * 1000 + time[2] / 1000 > by then return -2 end
end

if added ~= "" then
  -- An action's number is its place in the log.
  if redis.call("LLEN", actions) ~= length then return 0 end
  for line in string.gmatch(added, "[^\n]+") do redis.call("RPUSH", actions, line) end
end
if branch ~= "" then
  redis.call("LPUSH", branches, branch)
  redis.call("LTRIM", branches, 0, keepBranches - 1)
end
redis.call("HSET", session, unpack(ARGV, 12))
if ended ~= "" then
  local time = redis.call("TIME")
  local now = math.ceil(time[1] * 1000 + time[2] / 1000)
  redis.call("LPUSH", epochs, string.format('%s,"until":%.0f}', string.sub(ended, 1, -2), now))
  redis.call("LTRIM", epochs, 0, keep - 1)
end
if order ~= "" then redis.call("RPUSH", orders, order) end
if ttl > 0 then
  redis.call("EXPIRE", session, ttl)
  redis.call("EXPIRE", viewers, ttl)
else
  ttl = redis.call("TTL", session)
end
redis.call("EXPIRE", epochs, ttl)
redis.call("EXPIRE", orders, ttl)
redis.call("EXPIRE", actions, ttl)
redis.call("EXPIRE", branches, ttl)
redis.call("EXPIRE", checkpoints, ttl)
redis.call("PUBLISH", session, message)
return 1
