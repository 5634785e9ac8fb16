-- Replaces what a reservation took by what the call cost, once.
-- KEYS: the reservation's record, its day, the window of each scope.
-- ARGV: 1 if the call was never sent, tokens, nanodollars; then each scope's name.
-- Reply: 1 if it was open.
local record = redis.call('GET', KEYS[1])
if not record then return 0 end
redis.call('DEL', KEYS[1])
local r = {}
for number in string.gmatch(record, '%d+') do r[#r + 1] = tonumber(number) end
local second, hour, strata = r[1], r[3], r[4]
local more = {tonumber(ARGV[2]) - r[5], tonumber(ARGV[3]) - r[6]}

if more[1] ~= 0 or more[2] ~= 0 then
  local names = {unpack(ARGV, 4)}
  local texts = redis.call('HMGET', KEYS[2], unpack(names))
  for s = 1, #names do
    if texts[s] then
      local b = read_budget(texts[s])
      for i = 1, 2 * strata do
        b[i] = b[i] + more[2 - i % 2]
        if b[9] == hour then b[4 + i] = b[4 + i] + more[2 - i % 2] end
      end
      redis.call('HSET', KEYS[2], names[s], budget_text(b))
    end
  end
end

if ARGV[1] == '1' then
  for k = 3, #KEYS do
    local got = redis.call('HMGET', KEYS[k], 'at', 'sum', slot(second))
    local at = tonumber(got[1] or -1)
    if got[3] and second <= at and at - second < WINDOW then
      local sum, calls = {pair(got[2])}, {pair(got[3])}
      for i = 1, strata do
        local n = math.min(1, calls[i])
        sum[i], calls[i] = sum[i] - n, calls[i] - n
      end
      redis.call('HSET', KEYS[k], 'sum', int(sum[1]) .. ' ' .. int(sum[2]), slot(second), int(calls[1]) .. ' ' .. int(calls[2]))
    end
  end
end
return 1
