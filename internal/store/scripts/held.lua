-- Feedback that waits for a span. What waits stands in the hash of its value's digest by id, and in the zset `held` as
-- "digest id" by the time at which it is given up.

-- Takes feedback away; with a reason it is kept among the dead. False if it was gone.
local function drop(held, digest, id, reason, max_dead, retention)
  local waiting = held .. ':' .. digest
  local content = redis.call('HGET', waiting, id)
  redis.call('ZREM', held, digest .. ' ' .. id)
  if not content then return false end
  redis.call('HDEL', waiting, id)
  if redis.call('EXISTS', waiting) == 0 then redis.call('ZREM', held .. ':ready', digest) end
  if reason ~= '' then
    local dead = held .. ':dead'
    redis.call('LPUSH', dead, int(clock()) .. ' ' .. reason .. ' ' .. digest .. ' ' .. #id .. ' ' .. id .. content)
    redis.call('LTRIM', dead, 0, max_dead - 1)
    redis.call('PEXPIRE', dead, retention)
  end
  return content
end
