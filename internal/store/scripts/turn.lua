-- Gives the right to one step of re-reading to one replica per interval.
-- KEYS: the backend's refresh hash. ARGV: interval (ms), expiry beyond it (ms), how much longer than the interval
-- a wait may be (ms).
-- Reply: wait (ms, 0: the step may be taken), now (ms), "1" if it is the near pass' turn, the places of near and far.
local key, interval = KEYS[1], tonumber(ARGV[1])
local now = clock()
local state = redis.call('HMGET', key, 'next', 'near_turn', 'near', 'far')
local wait = tonumber(state[1] or '0') - now
-- Nobody sets a longer one: the clock has gone back.
if wait > 0 and wait <= interval + ARGV[3] then return {wait, now, 0, '', ''} end
local near = 1
if state[2] == '1' then near = 0 end
redis.call('HSET', key, 'next', int(now + interval), 'near_turn', near)
redis.call('PEXPIRE', key, int(interval + ARGV[2]))
return {0, now, near, state[3] or '', state[4] or ''}
