--[[
  Changes a feed's hash if it is as the caller expects, and publishes it.
  KEYS[1] live    stream, and the channel of the same name
  KEYS[2] feed    hash
  ARGV[1] owner   who has to hold the claim; empty for anyone
  ARGV[2] rev     the revision that was read, 0 for no hash; empty for any
  ARGV[3] after   "clear" to remove the stream, "remove" to remove the hash too; empty for neither. The hash goes a second later:
                  revisions may be ahead of the clock by then, and those of a new hash have to be higher
  ARGV[4..] field, value, field, value, ...; a value of "@now" is Redis's time in ms
  Returns the new hash: field, value, ...; 0 if it is not as expected, -1 if there is none
]]
local live, feed = KEYS[1], KEYS[2]
local owner, rev, after = ARGV[1], ARGV[2], ARGV[3]

local has = redis.call("HMGET", feed, "owner", "rev")
if not has[2] and (owner ~= "" or (rev ~= "" and rev ~= "0")) then return -1 end
if owner ~= "" and has[1] ~= owner then return 0 end
if rev ~= "" and (has[2] or "0") ~= rev then return 0 end

local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 5, #ARGV, 2 do
  if ARGV[i] == "@now" then ARGV[i] = string.format("%.0f", now) end
end
local new = string.format("%.0f", math.max(now, (has[2] or 0) + 1))
redis.call("HSET", feed, "rev", new, unpack(ARGV, 4))
local fields, hash = redis.call("HGETALL", feed), {}
for i = 1, #fields, 2 do hash[fields[i]] = fields[i + 1] end
redis.call("PUBLISH", live, "1 U " .. new .. "\n" .. cjson.encode(hash))
if after ~= "" then redis.call("DEL", live) end
if after == "remove" then redis.call("PEXPIRE", feed, 1000) else redis.call("PERSIST", feed) end
return fields
