-- Leases due traces of one shard.
-- KEYS: human, auto. ARGV: tag, backend, token, lease (ms), quota of human, quota of auto.
-- Reply: per trace that was leased: id, first due (ms), deferrals, number of its hash's fields, queue; then the ids of
--   those that are not there. They stay in the queue: the hashes are no keys of this call, so while a cluster moves
--   them they may be elsewhere.
local tag, backend, token = ARGV[1], ARGV[2], ARGV[3]
local now = clock()
local lease = int(now + ARGV[4])
local field = '.sync:' .. backend
local leased, gone = {}, {}

local function take(name, queue, other, quota)
  if quota < 1 then return end
  local due = redis.call('ZRANGEBYSCORE', queue, '-inf', int(now), 'WITHSCORES', 'LIMIT', 0, quota)
  for i = 1, #due, 2 do
    local id = due[i]
    local key = tag .. ':trace:' .. id
    local size = redis.pcall('HLEN', key)
    if size == 0 then
      gone[#gone + 1] = id
    elseif type(size) == 'number' then -- else it is elsewhere
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
        leased[#leased + 1] = {id, since, deferrals, size, name}
      end
    end
  end
end

take('human', KEYS[1], KEYS[2], tonumber(ARGV[5]))
take('auto', KEYS[2], KEYS[1], tonumber(ARGV[6]))
return {leased, gone}
