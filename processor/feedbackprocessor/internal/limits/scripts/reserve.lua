-- Takes what a call may cost in all its scopes, or in none of them.
-- KEYS: the reservation's record, three days, the window of each scope.
-- ARGV: 1 to take without asking, 1 or 2 (2: the call is triggered), calls, tokens and nanodollars of the day, those of
--   the hour, life of the record (ms), starts of the three days and of the one behind them (s); then per scope: name,
--   most calls (all, triggered), most of a day (tokens and nanodollars, all, then triggered), of an hour likewise.
-- Reply: taken (0), refused (1), or now is in none of the days (2); now (ms); start of the day (s); ms to the end of
--   the hour, of the day; which scope refused, by which limit (1 calls, 2 tokens, 3 nanodollars), for how long (ms);
--   then of each scope: ms until a call has room, until a triggered one has, and what it has spent.
local ARGS = 11
local forced, strata, calls = ARGV[1] == '1', tonumber(ARGV[2]), tonumber(ARGV[3])
local need = {tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])}
local now = clock()
local second = math.floor(now / 1000)
local scopes = #KEYS - 4

local from, to, day
for i = 1, 3 do
  if second >= tonumber(ARGV[8 + i]) and second < tonumber(ARGV[9 + i]) then
    from, to, day = tonumber(ARGV[8 + i]), tonumber(ARGV[9 + i]), KEYS[1 + i]
  end
end
if not day then return {2, now} end
local hour = math.floor((second - from) / 3600)
local hour_left = math.min(from + (hour + 1) * 3600, to) * 1000 - now
local day_left = to * 1000 - now

local scope, names = {}, {}
for s = 1, scopes do
  local p = 13 + (s - 1) * ARGS
  local c = {most = {}, name = ARGV[p]}
  for i = 1, ARGS - 1 do c.most[i] = tonumber(ARGV[p + i]) end
  if c.most[1] < NONE then c.window = read_window(KEYS[4 + s], second) end
  if c.most[3] < NONE or c.most[4] < NONE then
    names[#names + 1] = c.name
    c.place = #names
  end
  scope[s] = c
end
local texts = #names > 0 and redis.call('HMGET', day, unpack(names)) or {}
for s = 1, scopes do
  if scope[s].place then scope[s].budget = at_hour(read_budget(texts[scope[s].place] or ''), hour) end
end

local function refusal()
  for s = 1, scopes do
    local b, most = scope[s].budget, scope[s].most
    for i = 1, b and 2 * strata or 0 do
      local n = need[2 - i % 2]
      if b[i] + n > most[2 + i] then return s, 3 - i % 2, day_left end
      if b[4 + i] + n > most[6 + i] then return s, 3 - i % 2, hour_left end
    end
  end
  for s = 1, scopes do
    local w, most = scope[s].window, scope[s].most
    for i = 1, w and strata or 0 do
      if w.sum[i] + calls > most[i] then return s, 1, 0 end
    end
  end
  return 0, 0, 0
end

local by, limit, wait = 0, 0, 0
local repeated = redis.call('EXISTS', KEYS[1]) == 1
if not forced and not repeated then by, limit, wait = refusal() end
if by == 0 and not repeated then
  local changed = {}
  for s = 1, scopes do
    local w, b = scope[s].window, scope[s].budget
    for i = 1, w and strata or 0 do
      w.sum[i], w.now[i] = w.sum[i] + calls, w.now[i] + calls
    end
    if b then
      for i = 1, 2 * strata do
        b[i], b[4 + i] = b[i] + need[2 - i % 2], b[4 + i] + need[4 - i % 2]
      end
      changed[#changed + 1] = scope[s].name
      changed[#changed + 1] = budget_text(b)
    end
  end
  if #changed > 0 then
    redis.call('HSET', day, unpack(changed))
    for i = 1, #names do
      if not texts[i] then redis.call('PEXPIRE', day, int(day_left + 86400000)) end
    end
  end
  redis.call('SET', KEYS[1], table.concat({int(second), int(from), int(hour), int(strata), int(need[1]), int(need[2])}, ' '),
    'PX', ARGV[8])
end

local out = {by == 0 and 0 or 1, now, from, hour_left, day_left, by, limit, wait}
for s = 1, scopes do
  local w, free, free_triggered = scope[s].window, 0, 0
  if w then
    if by == 0 or w.at ~= second then write_window(w) end
    free, free_triggered = waits(w, now, scope[s].most[1], scope[s].most[2])
    if by == s and limit == 1 then out[8] = strata == 2 and free_triggered or free end
  end
  out[#out + 1] = free
  out[#out + 1] = free_triggered
  out[#out + 1] = scope[s].budget and budget_text(scope[s].budget) or ''
end
return out
