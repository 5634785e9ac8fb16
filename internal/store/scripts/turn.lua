-- Gives the right to one step of re-reading to one replica per interval.
-- KEYS: the backend's refresh hash. ARGV: interval (ms), expiry beyond it (ms).
-- Reply: wait (ms, 0: the step may be taken), now (ms), "1" if it is the near pass' turn, the places of near and far.
local key, interval = KEYS[1], tonumber(ARGV[1])
local now = clock()
local state = redis.call('HMGET', key, 'next', 'near_turn', 'near', 'far')
local wait = tonumber(state[1] or '0') - now
if wait > 0 then return {wait, now, 0, '', ''} end
local near = 1
if state[2] == '1' then near = 0 end
redis.call('HSET', key, 'next', int(now + interval), 'near_turn', near)
redis.call('PEXPIRE', key, int(interval + ARGV[2]))
return {0, now, near, state[3] or '', state[4] or ''}
