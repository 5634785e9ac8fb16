-- Leases feedback whose span has come, and gives up what has waited too long. KEYS: held.
-- ARGV: limit, lease (ms), bytes to stop after, max dead, retention (ms).
-- Reply: per value that is ready: digest, text of its matches, ids with contents; then the same without matches of what
--   was given up.
local held = KEYS[1]
local tag = string.sub(held, 1, -6)
local ready = held .. ':ready'
local now = clock()
local limit, room = tonumber(ARGV[1]), tonumber(ARGV[3])
local found, dead = {}, {}

for _, digest in ipairs(redis.call('ZRANGEBYSCORE', ready, '-inf', int(now), 'LIMIT', 0, limit)) do
  if room <= 0 then break end
  local matches = redis.call('GET', tag .. ':index:' .. digest)
  local contents = redis.call('HGETALL', held .. ':' .. digest)
  if not matches or #contents == 0 then
    redis.call('ZREM', ready, digest) -- the span was forgotten before anyone came; another one may pass
  else
    redis.call('ZADD', ready, int(now + ARGV[2]), digest)
    for i = 1, #contents do room = room - #contents[i] end
    found[#found + 1] = {digest, matches, contents}
  end
end

for _, member in ipairs(redis.call('ZRANGEBYSCORE', held, '-inf', int(now), 'LIMIT', 0, limit)) do
  if room <= 0 then break end
  local digest, id = string.sub(member, 1, 32), string.sub(member, 34)
  if redis.call('ZSCORE', ready, digest) then
    redis.call('ZADD', held, int(now + ARGV[2]), member) -- its span has come: it is not given up
  else
    local content = drop(held, digest, id, 'trace_wait', tonumber(ARGV[4]), ARGV[5])
    if content then
      room = room - #content
      dead[#dead + 1] = {digest, '', {id, content}}
    end
  end
end
return {found, dead}
