-- A limit that is none.
local NONE = 9007199254740991
-- As many whole seconds can a window of 60 s touch.
local WINDOW = 61

-- Lua spells large numbers with an exponent.
local function int(n)
  return string.format('%.0f', n)
end

local function slot(second)
  return int(second % WINDOW)
end

local function pair(text)
  local all, triggered = string.match(text or '0 0', '^(%d+) (%d+)$')
  return tonumber(all), tonumber(triggered)
end

-- The calls of one scope in the window that ends with a second. The hash has `at`, the last second that was counted,
-- `sum`, and each second's calls in the field of its number modulo 61: all calls and the triggered ones.
local function read_window(key, second)
  local got = redis.call('HMGET', key, 'at', 'sum', slot(second))
  local w = {key = key, second = second, sum = {0, 0}, now = {0, 0}}
  if not got[1] then return w end
  local at = tonumber(got[1])
  w.sum = {pair(got[2])}
  if at == second then
    w.at, w.now = at, {pair(got[3])}
  elseif second < at then
    w.fresh, w.now = true, {w.sum[1], w.sum[2]} -- time went back: all of them count as this second's
  elseif second - at >= WINDOW then
    w.fresh, w.sum = true, {0, 0}
  else
    w.gone = {}
    for s = at + 1, second do w.gone[#w.gone + 1] = slot(s) end
    local was = redis.call('HMGET', key, unpack(w.gone))
    for i = 1, #w.gone do
      local all, triggered = pair(was[i])
      w.sum = {w.sum[1] - all, w.sum[2] - triggered}
    end
  end
  return w
end

local function write_window(w)
  if w.fresh then redis.call('DEL', w.key) end
  if w.gone then redis.call('HDEL', w.key, unpack(w.gone)) end
  redis.call('HSET', w.key, 'at', int(w.second), 'sum', int(w.sum[1]) .. ' ' .. int(w.sum[2]),
    slot(w.second), int(w.now[1]) .. ' ' .. int(w.now[2]))
  if w.at ~= w.second then redis.call('PEXPIRE', w.key, 2 * WINDOW * 1000) end
end

-- When a window that was written has room for another call, in ms from now: of any kind, and for a triggered one.
local function waits(w, now, most, most_triggered)
  local all, triggered = w.sum[1], w.sum[2]
  if all < most and triggered < most_triggered then return 0, 0 end
  local calls, got = {}, redis.call('HGETALL', w.key)
  for i = 1, #got, 2 do calls[got[i]] = got[i + 1] end
  local wait, wait_triggered = all < most and 0 or nil, nil
  for s = w.second - WINDOW + 1, w.second do
    local a, t = pair(calls[slot(s)])
    all, triggered = all - a, triggered - t
    local free = (s + WINDOW) * 1000 - now
    if not wait and all < most then wait = free end
    if all < most and triggered < most_triggered then
      wait_triggered = free
      break
    end
  end
  return wait or WINDOW * 1000, wait_triggered or WINDOW * 1000
end

-- What a scope has spent: numbers 1 to 4 in the day (tokens and nanodollars of all calls, then of the triggered ones),
-- 5 to 8 in the hour likewise, and the hour itself.
local function read_budget(text)
  local b = {}
  for number in string.gmatch(text, '%d+') do b[#b + 1] = tonumber(number) end
  return b
end

-- Lets a budget stand in an hour. Where time went back, what is counted of a later hour counts as this one's.
local function at_hour(b, hour)
  if #b < 9 then b = {0, 0, 0, 0, 0, 0, 0, 0, hour} end
  if b[9] < hour then b = {b[1], b[2], b[3], b[4], 0, 0, 0, 0, hour} end
  b[9] = hour
  return b
end

local function budget_text(b)
  local text = {}
  for i = 1, 9 do text[i] = int(math.max(0, b[i])) end
  return table.concat(text, ' ')
end
