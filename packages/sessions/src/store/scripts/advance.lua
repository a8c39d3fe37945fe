--[[
  Records what readers of a session in lossless pace have acknowledged, moves the playhead as far as all readers allow, and publishes
  that. The revision stays: the session's anchor is the playhead, and commands hold it (hold.lua).
  KEYS[1] session   hash, and the channel of the same name
  KEYS[2] readers   hash: reader -> "node epoch acked reach reach_ns reach_ms seen_ms"; "hold" -> "rev until_ms"
  ARGV[1] rev       the revision that the gateway plays
  ARGV[2] node      the gateway
  ARGV[3] forget    ms after which a reader that is not reported any more does not count
  ARGV[4] lag       ms that the clock of a bound may be behind
  ARGV[5] bound     the frame that the playhead must not pass
  ARGV[6] bound_ns  its tape time
  ARGV[7] bound_ms  when the clock of a bound stands there, - for now
  ARGV[8..]         reader, epoch, acked, reach, reach_ns, reach_ms, reader, ... of this gateway; an epoch of -1: the reader has left
  Returns {outcome, seq, ns, wall_ms, acked}: moved, same, held, changed (another revision) or gone; the playhead; the last frame that all
  readers have acknowledged, -1 if none. If held, wall_ms is until when.
]]
local session, readers = KEYS[1], KEYS[2]
local rev, node, forget, lag = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local bound, bound_ns, bound_ms = tonumber(ARGV[5]), ARGV[6], ARGV[7]

local has = redis.call("HMGET", session, "rev", "epoch", "anchor_seq", "anchor_tape_ts", "anchor_wall_ts")
local time = redis.call("TIME")
local now = time[1] * 1000 + time[2] / 1000

for i = 8, #ARGV, 6 do
  local name = "reader:" .. ARGV[i]
  if ARGV[i + 1] == "-1" then
    -- It may be connected to another gateway by now.
    local known = redis.call("HGET", readers, name)
    if known and string.sub(known, 1, #node + 1) == node .. " " then redis.call("HDEL", readers, name) end
  elseif has[1] then
    local seen = string.format("%.0f", now)
    redis.call("HSET", readers, name, table.concat({ node, unpack(ARGV, i + 1, i + 5) }, " ") .. " " .. seen)
  end
end
if not has[1] then return { "gone", "0", "0", "0", "-1" } end
redis.call("PEXPIRE", readers, 6 * forget)
local at = tonumber(has[3])
if has[1] ~= rev then return { "changed", has[3], has[4], has[5], "-1" } end

local to, to_ns, to_ms, acked, count = bound, bound_ns, bound_ms, nil, 0
local all = redis.call("HGETALL", readers)
for i = 1, #all, 2 do
  if all[i] == "hold" then
    local holder, till = string.match(all[i + 1], "(%S+) (%S+)")
    if holder == rev and now < tonumber(till) then return { "held", has[3], has[4], till, "-1" } end
  else
    local epoch, done, reach, reach_ns, reach_ms, seen =
      string.match(all[i + 1], "%S+ (%S+) (%S+) (%S+) (%S+) (%S+) (%S+)")
    if now - tonumber(seen) > forget then
      redis.call("HDEL", readers, all[i])
    else
      count = count + 1
      -- Its gateway does not know this epoch yet.
      if epoch ~= has[2] then done, reach, reach_ns = "-1", at, has[4] end
      reach = tonumber(reach)
      if reach <= to then to, to_ns, to_ms = reach, reach_ns, reach_ms end
      acked = math.min(acked or tonumber(done), tonumber(done))
    end
  end
end
acked = string.format("%d", acked or -1)
if count == 0 or to <= at then return { "same", has[3], has[4], has[5], acked } end

local seq = string.format("%d", to)
-- What the clock of a bound has lost by waiting is caught up, but no more than that.
local wall = string.format("%.3f", to_ms == "-" and now or math.max(tonumber(to_ms), now - lag))
redis.call("HSET", session, "anchor_seq", seq, "anchor_tape_ts", to_ns, "anchor_wall_ts", wall, "published_seq", seq)
redis.call("PUBLISH", session, "1 P " .. rev .. " " .. has[2] .. " " .. has[3] .. " " .. seq .. "\n" .. to_ns .. " " .. wall)
return { "moved", seq, to_ns, wall, acked }
