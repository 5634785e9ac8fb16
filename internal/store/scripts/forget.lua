-- Removes a trace. KEYS: its hash, its content, then the sorted sets that may hold it.
local id = string.sub(KEYS[1], -32)
for i = 3, #KEYS do redis.call('ZREM', KEYS[i], id) end
redis.call('DEL', KEYS[2])
return redis.call('DEL', KEYS[1])
