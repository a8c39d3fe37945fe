--[[
  Releases the jobs of a worker that is dead, for the queue's next check for stalled jobs to hand on.
  KEYS[1] active         list of the jobs that workers have
  KEYS[2] stalled        set of the jobs that may have stalled
  KEYS[3] stalled-check  exists if there was a check a moment ago, which holds off the next
  KEYS[4] workers        set of the workers of the queue
  KEYS[5] worker         exists while the worker is alive
  ARGV[1] prefix         of the jobs' keys, all of this queue and in its slot
  ARGV[2] worker         its id; the locks of its jobs begin with it
  Returns how many jobs it had; 0 if it is alive again
]]
local active, stalled, check, workers, alive = unpack(KEYS)
local prefix, worker = ARGV[1], ARGV[2]

if redis.call("EXISTS", alive) == 1 then return 0 end

local released = 0
for _, job in ipairs(redis.call("LRANGE", active, 0, -1)) do
  local lock = prefix .. job .. ":lock"
  local owner = redis.call("GET", lock)
  if owner and owner:sub(1, #worker + 1) == worker .. ":" then
    redis.call("DEL", lock)
    redis.call("SADD", stalled, job)
    released = released + 1
  end
end
redis.call("SREM", workers, worker)
redis.call("DEL", check)
return released
