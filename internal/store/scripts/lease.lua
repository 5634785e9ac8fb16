-- Gives one holder at a time the right to something. KEYS: lease. ARGV: token, length (ms); 0 gives it back.
-- Reply: 1 if the token holds, or held, it.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
if tonumber(ARGV[2]) > 0 then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
elseif holder then
  redis.call('DEL', KEYS[1])
end
return 1
