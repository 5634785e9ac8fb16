-- Writes what became of traces of one shard that were looked at for the review rules.
-- KEYS: recent, waiting, then hash and content of each trace. ARGV: retention (s), max recent, max waiting, the field of the last change that was looked
-- at; then per trace: what is to become of it ("d": no more is to be done, "t": it stands in a queue, or the wait in
-- ms until it is looked at again), the time of the last change that was looked at now, n, n pairs of field and note. A
-- note that is there already stays. A trace that was put into a queue, or stands in one, counts as changed now, and is
-- kept as if it had been written; from then on its field says which of its changes was looked at.
-- Reply: per trace "1" or, where too many wait, "0"; then per note "1" if it is new, else "0".
local recent, waiting = KEYS[1], KEYS[2]
local retention, max_waiting, reviewed = ARGV[1], tonumber(ARGV[3]), ARGV[4]
local now = clock()
local out, touched = {}, {}
local p = 5
for k = 3, #KEYS, 2 do
  local what, looked_at, n = ARGV[p], ARGV[p + 1], tonumber(ARGV[p + 2])
  p = p + 3
  local key = KEYS[k]
  local id = string.sub(key, -32)
  local there = redis.call('HEXISTS', key, 'subject') == 1
  local at, letter, touch = #out + 1, '1', there and what == 't'
  for i = 0, n - 1 do
    local new = there and redis.call('HSETNX', key, ARGV[p + 2 * i], ARGV[p + 2 * i + 1]) == 1
    out[at + 1 + i] = new and '1' or '0'
    touch = touch or new
  end
  p = p + 2 * n
  if touch and what == 't' then
    redis.call('HSETNX', key, reviewed, '0')
  elseif touch or there and redis.call('HEXISTS', key, reviewed) == 1 then
    redis.call('HSET', key, reviewed, looked_at)
  end
  if touch then
    touched[#touched + 1] = int(now)
    touched[#touched + 1] = id
    redis.call('EXPIRE', key, retention)
    redis.call('EXPIRE', KEYS[k + 1], retention)
  end
  local delay = tonumber(what)
  if what == 'd' or delay and not there then
    redis.call('ZREM', waiting, id)
  elseif delay then
    if redis.call('ZSCORE', waiting, id) or redis.call('ZCARD', waiting) < max_waiting then
      redis.call('ZADD', waiting, int(now + delay), id)
      redis.call('EXPIRE', waiting, retention)
    else
      letter = '0'
    end
  end
  out[at] = letter
end
if #touched > 0 then
  redis.call('ZADD', recent, unpack(touched))
  redis.call('ZREMRANGEBYRANK', recent, 0, -(ARGV[2] + 1))
end
return table.concat(out)
