-- The queues of one shard. Scores are milliseconds of Redis' clock.

-- A trace is leased while its claim has a token and the lease has not ended.
local function lease_of(sync, now)
  if not sync then return nil end
  local token, lease = string.match(sync, '^(%S+) (%d+)')
  lease = tonumber(lease)
  if token and token ~= '-' and lease > now then return lease end
  return nil
end

-- Makes a trace due now, or when the running lease ends. A trace that a person touched stays in the human queue.
local function enqueue(key, id, backend, human_queue, auto_queue, dead_set, now, human)
  local sync_field, dead_field = '.sync:' .. backend, '.dead:' .. backend
  local state = redis.call('HMGET', key, sync_field, dead_field)
  if state[2] then
    redis.call('ZREM', dead_set, id)
    redis.call('HDEL', key, dead_field)
  end
  local due = int(lease_of(state[1], now) or now)
  if human or redis.call('ZSCORE', human_queue, id) then
    redis.call('ZREM', auto_queue, id)
    redis.call('ZADD', human_queue, 'LT', due, id)
  else
    redis.call('ZADD', auto_queue, 'LT', due, id)
  end
end

-- Gives a trace up, if it is there.
local function bury(key, id, backend, dead_set, now, reason, max_dead)
  if redis.call('EXISTS', key) == 0 then return end
  redis.call('HDEL', key, '.sync:' .. backend)
  redis.call('HSET', key, '.dead:' .. backend, reason)
  redis.call('ZADD', dead_set, int(now), id)
  redis.call('ZREMRANGEBYRANK', dead_set, 0, -(max_dead + 1))
end

-- Buries what stands in the automatic queue beyond its bound, the longest due first.
local function bound(tag, backend, auto_queue, dead_set, now, max_waiting, max_dead)
  local over = redis.call('ZCARD', auto_queue) - max_waiting
  if over <= 0 then return end
  for _, id in ipairs(redis.call('ZRANGE', auto_queue, 0, over - 1)) do
    local key = tag .. ':trace:' .. id
    -- The hash is no key of the call: while a cluster moves it, it may be elsewhere, and its trace stays.
    if type(redis.pcall('EXISTS', key)) == 'number' then
      redis.call('ZREM', auto_queue, id)
      bury(key, id, backend, dead_set, now, 'max_waiting', max_dead)
    end
  end
end
