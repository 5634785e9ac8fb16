-- Ends a claim as if it had not been made. KEYS: the trace's hash, human, auto. ARGV: backend, token.
local key, field = KEYS[1], '.sync:' .. ARGV[1]
local sync = redis.call('HGET', key, field)
local token, waiting = string.match(sync or '', '^(%S+) %d+ (%d+ %d+)$')
if token ~= ARGV[2] then return 0 end
redis.call('HSET', key, field, '- 0 ' .. waiting)
for i = 2, 3 do redis.call('ZADD', KEYS[i], 'XX', int(clock()), string.sub(key, -32)) end
return 1
