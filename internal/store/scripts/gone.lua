-- Takes traces of one shard that are there no longer out of the queues. KEYS: human, auto, then hashes of traces.
for i = 3, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 0 then
    local id = string.sub(KEYS[i], -32)
    redis.call('ZREM', KEYS[1], id)
    redis.call('ZREM', KEYS[2], id)
  end
end
return 1
