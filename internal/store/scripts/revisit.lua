-- Makes traces of one shard due that nothing changed. Their revision stays.
-- KEYS: human, auto, then hashes of traces. ARGV: backend, max waiting. Reply: how many became due.
-- Those that wait, are claimed (they stand in a queue until they are settled) or dead are left alone; so is what
-- waits: re-reading takes at most half of the queue's room.
local human_queue, auto_queue = KEYS[1], KEYS[2]
local dead_field = '.dead:' .. ARGV[1]
local now = int(clock())
local room = math.floor(ARGV[2] / 2) - redis.call('ZCARD', auto_queue)
local due = 0
for i = 3, #KEYS do
  local id = string.sub(KEYS[i], -32)
  if due >= room then break end
  local state = redis.call('HMGET', KEYS[i], 'subject', dead_field)
  if state[1] and not state[2] and not redis.call('ZSCORE', human_queue, id) then
    due = due + redis.call('ZADD', auto_queue, 'NX', now, id)
  end
end
return due
