-- Gives calls back. KEYS: gate. ARGV: token, n, "1" if they reached the backend, which doubles the ramp.
local gate, field = KEYS[1], 'held:' .. ARGV[1]
local state = redis.call('HMGET', gate, field, 'window', 'max', 'until')
if state[1] then
  local count, expires = string.match(state[1], '^(%d+) (%d+)$')
  local left = count - ARGV[2]
  if left > 0 then
    redis.call('HSET', gate, field, int(left) .. ' ' .. expires)
  else
    redis.call('HDEL', gate, field)
  end
end
if ARGV[3] == '1' and state[2] and tonumber(state[4] or '0') <= clock() then
  local window = state[2] * 2
  if window >= tonumber(state[3] or '1') then
    redis.call('HDEL', gate, 'window', 'until')
  else
    redis.call('HSET', gate, 'window', int(window))
  end
end
return 1
