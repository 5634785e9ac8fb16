-- Keeps what spans of one shard's traces were asked and answered.
-- KEYS: the contents of the traces, one a span. ARGV: retention (s), max spans a trace; then pairs of span and content.
-- Reply: how many were refused.
local refused = 0
for i, key in ipairs(KEYS) do
  local span, content = ARGV[1 + 2 * i], ARGV[2 + 2 * i]
  if redis.call('HLEN', key) < tonumber(ARGV[2]) or redis.call('HEXISTS', key, span) == 1 then
    redis.call('HSET', key, span, content)
    redis.call('EXPIRE', key, ARGV[1])
  else
    refused = refused + 1
  end
end
return refused
