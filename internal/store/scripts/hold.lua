-- Holds feedback until a span with its value passes, unless one has.
-- KEYS: held, what the value has: its index, its feedback.
-- ARGV: digest, id, content, wait (ms), max held, max held a value, how long keys outlive the wait (ms).
-- Reply: the text of the value's matches, which is empty if the feedback is held, or `full`.
local held, waiting, digest, id = KEYS[1], KEYS[3], ARGV[1], ARGV[2]
local matches = redis.call('GET', KEYS[2])
if matches then return matches end
local told = redis.call('HGET', waiting, id)
if told then
  redis.call('HSET', waiting, id, told) -- changes nothing, but WAIT waits for writes alone
  return ''
end
if redis.call('ZCARD', held) >= tonumber(ARGV[5]) or redis.call('HLEN', waiting) >= tonumber(ARGV[6]) then
  return 'full'
end
redis.call('HSET', waiting, id, ARGV[3])
redis.call('ZADD', held, int(clock() + ARGV[4]), digest .. ' ' .. id)
redis.call('PEXPIRE', waiting, int(ARGV[4] + ARGV[7]))
redis.call('PEXPIRE', held, int(ARGV[4] + ARGV[7]))
return ''
