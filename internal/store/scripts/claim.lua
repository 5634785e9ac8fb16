-- Leases due traces of one shard and reads them.
-- KEYS: human, auto. ARGV: tag, backend, token, lease (ms), quota of human, quota of auto, bytes to stop after.
-- Reply: per trace: id, first due (ms), deferrals, fields and values of its hash, queue.
local tag, backend, token = ARGV[1], ARGV[2], ARGV[3]
local now = clock()
local lease = int(now + ARGV[4])
local field = '.sync:' .. backend
local room = tonumber(ARGV[7])
local out = {}

local function take(name, queue, other, quota)
  if quota < 1 then return end
  local due = redis.call('ZRANGEBYSCORE', queue, '-inf', int(now), 'WITHSCORES', 'LIMIT', 0, quota)
  for i = 1, #due, 2 do
    if room <= 0 then return end
    local id = due[i]
    local key = tag .. ':trace:' .. id
    local all = redis.call('HGETALL', key)
    if #all == 0 then
      redis.call('ZREM', queue, id) -- expired
    else
      local sync = redis.call('HGET', key, field)
      local held = lease_of(sync, now)
      if held then
        redis.call('ZADD', queue, int(held), id) -- held through the other queue
      else
        local since, deferrals = due[i + 1], '0'
        if sync then
          local _, _, s, d = string.match(sync, '^(%S+) (%d+) (%d+) (%d+)$')
          if s then since, deferrals = s, d end
        end
        since = int(tonumber(since))
        redis.call('HSET', key, field, token .. ' ' .. lease .. ' ' .. since .. ' ' .. deferrals)
        redis.call('ZADD', queue, lease, id)
        redis.call('ZREM', other, id)
        for j = 1, #all do room = room - #all[j] end
        out[#out + 1] = {id, since, deferrals, all, name}
      end
    end
  end
end

take('human', KEYS[1], KEYS[2], tonumber(ARGV[5]))
take('auto', KEYS[2], KEYS[1], tonumber(ARGV[6]))
return out
