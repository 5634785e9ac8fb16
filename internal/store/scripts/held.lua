-- Feedback that waits for a span. What waits stands in the hash of its value's digest by id, and in the zset `held` as
-- "digest id" by the time at which it is given up.

-- Takes feedback away; with a reason it is kept among the dead. False if it was gone. While a cluster moves a slot, a
-- call for a key that has become empty ends the script: so nothing goes before it is kept, nor is asked for after.
local function drop(held, digest, id, reason, max_dead, retention)
  local waiting = held .. ':' .. digest
  local content = redis.call('HGET', waiting, id)
  if not content then
    redis.call('ZREM', held, digest .. ' ' .. id)
    return false
  end
  if reason ~= '' then
    local dead = held .. ':dead'
    redis.call('LPUSH', dead, int(clock()) .. ' ' .. reason .. ' ' .. digest .. ' ' .. #id .. ' ' .. id .. content)
    redis.call('LTRIM', dead, 0, max_dead - 1)
    redis.call('PEXPIRE', dead, retention)
  end
  if redis.call('HLEN', waiting) == 1 then redis.call('ZREM', held .. ':ready', digest) end
  redis.call('HDEL', waiting, id)
  redis.call('ZREM', held, digest .. ' ' .. id)
  return content
end
