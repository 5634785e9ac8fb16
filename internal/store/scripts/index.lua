-- Keeps by which values the spans of one shard's values are found, and marks the values that feedback waits for.
-- KEYS: index, held, held:ready, then each value's index. ARGV: ttl (ms), max values, max matches a value; then pairs of
--   a value's match ("trace span") and its time (ms). Reply: how many values were dropped before their time.
-- A value is the text of its matches, newest first, a line "time match" each: most values have one, and never another.
local call = redis.call
local index, held, ready = KEYS[1], KEYS[2], KEYS[3]
local now = clock()
local now_text = int(now)
local ttl, max_matches = ARGV[1], tonumber(ARGV[3])
local awaited = call('EXISTS', held) == 1

-- Puts a match among others; one that is there keeps its latest time.
local function merged(old, time, match)
  local lines, at = {}, 1
  for t, m in string.gmatch(old, '(%d+) ([^\n]+)') do
    if m == match then
      time = math.max(time, tonumber(t))
    else
      lines[#lines + 1] = {tonumber(t), t .. ' ' .. m}
    end
  end
  while lines[at] and lines[at][1] > time do at = at + 1 end
  table.insert(lines, at, {time, int(time) .. ' ' .. match})
  local texts = {}
  for i = 1, math.min(#lines, max_matches) do texts[i] = lines[i][2] end
  return table.concat(texts, '\n')
end

local values = {}
local p = 4
for k = 4, #KEYS do
  local key, match = KEYS[k], ARGV[p]
  local digest = string.sub(key, -32)
  -- A span's own clock orders the matches of a value, but none comes from the future.
  local time = math.min(tonumber(ARGV[p + 1]), now)
  p = p + 2
  if not call('SET', key, int(time) .. ' ' .. match, 'NX', 'PX', ttl) then
    call('SET', key, merged(call('GET', key), time, match), 'PX', ttl)
  end
  values[#values + 1] = now_text
  values[#values + 1] = digest
  -- Feedback is no key of the call: it waits only for values that are not there, and while a cluster moves its slot, no
  -- call with such a key comes as far as here.
  if awaited and call('EXISTS', held .. ':' .. digest) == 1 then
    call('ZADD', ready, 'NX', now_text, digest)
    call('PEXPIRE', ready, call('PTTL', held))
  end
end
call('ZADD', index, unpack(values))
call('PEXPIRE', index, ttl)
call('ZREMRANGEBYSCORE', index, '-inf', int(now - ttl))
local over = math.min(call('ZCARD', index) - ARGV[2], 1000)
if over <= 0 then return 0 end
local oldest = call('ZPOPMIN', index, over)
for i = 1, #oldest, 2 do redis.pcall('DEL', index .. ':' .. oldest[i]) end
return over
