-- Keeps what spans of one shard's traces were asked and answered.
-- KEYS: recent. ARGV: retention (s), max spans a trace; then triples of trace, span and content. Reply: how many were
--   refused.
local tag = string.sub(KEYS[1], 1, -8)
local refused = 0
for i = 3, #ARGV, 3 do
  local key = tag .. ':content:' .. ARGV[i]
  if redis.call('HLEN', key) < tonumber(ARGV[2]) or redis.call('HEXISTS', key, ARGV[i + 1]) == 1 then
    redis.call('HSET', key, ARGV[i + 1], ARGV[i + 2])
    redis.call('EXPIRE', key, ARGV[1])
  else
    refused = refused + 1
  end
end
return refused
