--[[
  Gives expired locks of jobs that no worker has taken since back to the worker that had them.
  KEYS[1]   active   list of the jobs that a worker has, or has left
  KEYS[2]   stalled  set of the jobs that may have stalled
  KEYS[3..] locks
  ARGV[1]   ms       to live from now
  ARGV[2..] token, job, token, job, ...
  Returns the jobs that are lost: another worker has the lock, or they are waiting for one
]]
local active, stalled, ms = KEYS[1], KEYS[2], ARGV[1]

local held = {}
for _, job in ipairs(redis.call("LRANGE", active, 0, -1)) do
  held[job] = true
end

local lost = {}
for at = 3, #KEYS do
  local token, job = ARGV[2 * at - 4], ARGV[2 * at - 3]
  local owner = redis.call("GET", KEYS[at])
  if held[job] and (not owner or owner == token) then
    redis.call("SET", KEYS[at], token, "PX", ms)
    redis.call("SREM", stalled, job)
  else
    lost[#lost + 1] = job
  end
end
return lost
