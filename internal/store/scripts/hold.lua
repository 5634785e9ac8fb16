-- Holds feedback until a span with its value passes, unless one has. KEYS: held.
-- ARGV: digest, id, content, wait (ms), max held, max held a value, how long keys outlive the wait (ms).
-- Reply: the text of the value's matches, which is empty if the feedback is held, or `full`.
local held, digest, id = KEYS[1], ARGV[1], ARGV[2]
local tag = string.sub(held, 1, -6)
local matches = redis.call('GET', tag .. ':index:' .. digest)
if matches then return matches end
local waiting = held .. ':' .. digest
if redis.call('HEXISTS', waiting, id) == 1 then return '' end -- told again
if redis.call('ZCARD', held) >= tonumber(ARGV[5]) or redis.call('HLEN', waiting) >= tonumber(ARGV[6]) then
  return 'full'
end
redis.call('HSET', waiting, id, ARGV[3])
redis.call('ZADD', held, int(clock() + ARGV[4]), digest .. ' ' .. id)
redis.call('PEXPIRE', waiting, int(ARGV[4] + ARGV[7]))
redis.call('PEXPIRE', held, int(ARGV[4] + ARGV[7]))
return ''
