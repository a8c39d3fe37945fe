--[[
  Extends the locks of jobs with PEXPIRE. BullMQ's extendLocks sets each anew, which a Redis that is out of memory refuses.
  KEYS[1]   stalled  set of the jobs that may have stalled
  KEYS[2..] locks
  ARGV[1]   ms       to live from now
  ARGV[2..] token, job, token, job, ...
  Returns the jobs whose locks are lost
]]
local stalled, ms = KEYS[1], ARGV[1]

local lost = {}
for at = 2, #KEYS do
  local token, job = ARGV[2 * at - 2], ARGV[2 * at - 1]
  if redis.call("GET", KEYS[at]) == token then
    redis.call("PEXPIRE", KEYS[at], ms)
    redis.call("SREM", stalled, job)
  else
    lost[#lost + 1] = job
  end
end
return lost
