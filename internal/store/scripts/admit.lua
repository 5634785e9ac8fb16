-- Lets calls to a backend pass. KEYS: gate. ARGV: token, n, max in flight, ttl (ms).
-- Reply: granted, wait (ms). The gate's fields: until (end of the pause), window (calls allowed while ramping up;
-- absent: all), max, and `held:<token>` = calls and the time they count no longer.
local gate, token, n, max, ttl = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local now = clock()
local until_, window, held, mine, free_at = 0, max, 0, 0, nil
local all = redis.call('HGETALL', gate)
for i = 1, #all, 2 do
  local field, value = all[i], all[i + 1]
  if field == 'until' then
    until_ = tonumber(value)
  elseif field == 'window' then
    window = math.min(max, tonumber(value))
  elseif string.sub(field, 1, 5) == 'held:' then
    local count, expires = string.match(value, '^(%d+) (%d+)$')
    count, expires = tonumber(count), tonumber(expires)
    if expires <= now then
      redis.call('HDEL', gate, field)
    else
      held = held + count
      if string.sub(field, 6) == token then mine = count end
      if not free_at or expires < free_at then free_at = expires end
    end
  end
end
if until_ > now + 3600000 then
  until_ = now + 3600000 -- else all would stand still for long after the clock has gone back
  redis.call('HSET', gate, 'until', int(until_))
end
if until_ > now then return {0, until_ - now} end
local granted = math.max(0, math.min(n, window - held))
if granted > 0 then
  redis.call('HSET', gate, 'max', int(max), 'held:' .. token, int(mine + granted) .. ' ' .. int(now + ttl))
  redis.call('PEXPIRE', gate, int(ttl + 86400000))
  return {granted, 0}
end
if n <= 0 then return {0, 0} end
return {0, math.min(100, (free_at or now + 100) - now)}
