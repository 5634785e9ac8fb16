-- Removes a trace. KEYS: recent, then human, auto, dead of each backend. ARGV: trace.
local tag = string.sub(KEYS[1], 1, -8)
for _, queue in ipairs(KEYS) do redis.call('ZREM', queue, ARGV[1]) end
redis.call('ZREM', tag .. ':pending', ARGV[1])
redis.call('DEL', tag .. ':content:' .. ARGV[1])
return redis.call('DEL', tag .. ':trace:' .. ARGV[1])
