-- Pauses a backend. KEYS: gate. ARGV: duration (ms). The longer of two pauses stands; one probe comes after it.
local gate = KEYS[1]
local ends = math.max(clock() + ARGV[1], tonumber(redis.call('HGET', gate, 'until') or '0'))
redis.call('HSET', gate, 'until', int(ends), 'window', '1')
redis.call('PEXPIRE', gate, int(ends - clock() + 86400000))
return 1
