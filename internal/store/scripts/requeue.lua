-- Brings dead traces of one shard back. KEYS: human, auto, dead, then hashes of traces. ARGV: backend.
-- Their records' dead deliveries are pending again. Reply: how many came back.
local backend = ARGV[1]
local now = clock()
local prefix = '.delivery:' .. backend .. ':'
local back = 0
for i = 4, #KEYS do
  local key = KEYS[i]
  local id = string.sub(key, -32)
  if redis.call('ZREM', KEYS[3], id) == 1 and redis.call('EXISTS', key) == 1 then
    local all = redis.call('HGETALL', key)
    for f = 1, #all, 2 do
      if string.sub(all[f], 1, #prefix) == prefix then
        local text, dead = string.gsub(all[f + 1], '^{"state":"dead","attempts":%d+', '{"state":"","attempts":0')
        if dead == 1 then redis.call('HSET', key, all[f], text) end
      end
    end
    enqueue(key, id, backend, KEYS[1], KEYS[2], KEYS[3], now, false)
    redis.call('HDEL', key, '.dead:' .. backend, '.sync:' .. backend)
    back = back + 1
  end
end
return back
