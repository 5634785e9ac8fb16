-- Writes records of the traces of one shard.
-- KEYS: recent, pending, then human, auto, dead of each backend, then the hash of each trace.
-- ARGV: retention (s), max records a trace, max recent, max waiting, max dead, max pending, number of backends, their
--   names; then per trace: head, rest of the subject, and as many pairs of id and record as the head says: `n` for
--   automated records, or `n person overriding expected seen`: "1" if a person wrote, the number of records that
--   override others, the revision that the trace must have, or "-", "1" if nobody has seen the trace, "2" if telemetry
--   has. A pair of which the id begins with a dot is a field of bookkeeping, no record. One of a delivery ends the
--   claim that runs, which was made on what is no longer so. Without pairs only the retention begins anew.
-- Without an expected revision only new records are written; a record that stands there in other words, and every
-- record of a trace with overrides, is left to the caller ("m"). With one, all are written, or none ("m").
-- Reply: one letter a record: s(tored), w(ritten over), n(o change), r(efused), m(erge needed).
local call = redis.call
local backends = tonumber(ARGV[7])
local recent, waiting = KEYS[1], KEYS[2]
local tag = string.sub(recent, 1, -8)
local retention, max_records = ARGV[1], tonumber(ARGV[2])
local now = clock()
local now_text = int(now)
local new_tail = ',"first_seen":' .. now_text .. ',"last_seen":' .. now_text
local single = '{"version":1,"revision":1,"records":1,"overrides":0' .. new_tail

local out, changed, human, auto = {}, {}, {}, {}

-- Counts a trace that nobody has seen; false if as many wait as may.
local function wait_for(id)
  call('ZREMRANGEBYSCORE', waiting, '-inf', int(now - retention * 1000))
  if not call('ZSCORE', waiting, id) then
    if call('ZCARD', waiting) >= tonumber(ARGV[6]) then return false end
    call('ZADD', waiting, now_text, id)
    call('EXPIRE', waiting, retention)
  end
  return true
end

local function is_bookkeeping(name) return string.byte(name) == 46 end

-- The general way: what a trace that is there makes of n records, whose pairs begin at ARGV[p].
local function update(key, id, p, n, by_person, overriding, expected, seen, rest)
  local asked, got = {'subject'}, nil
  for i = 0, n - 1 do asked[i + 2] = ARGV[p + 2 * i] end
  if n < CHUNK then got = call('HMGET', key, unpack(asked)) else got = hmget(key, asked) end
  local revision, records, overrides, first = 0, 0, 0, now_text
  local verdict
  if got[1] then
    local r, c, o, f, tail = string.match(got[1], SUBJECT)
    if not r then
      verdict = 'r'
    else
      revision, records, overrides, first = tonumber(r), tonumber(c), tonumber(o), f
      if tail ~= '}' then rest = tail end
    end
  end
  if not verdict and expected then
    if expected ~= revision then verdict = 'm' end
    if not verdict and seen == '1' and not wait_for(id) then verdict = 'r' end
  elseif not verdict and overrides > 0 then
    verdict = 'm'
  end
  -- Where nobody delivers, telemetry alone says that a trace has arrived.
  if backends == 0 and (not expected or seen == '2') then call('ZREM', waiting, id) end
  local fields, ended = {}, nil
  for i = 0, n - 1 do
    local letter = verdict
    if not letter then
      local name, old, text = asked[i + 2], got[i + 2], ARGV[p + 2 * i + 1]
      if not old then
        letter = (records < max_records or is_bookkeeping(name)) and 's' or 'r'
      elseif old == text then
        letter = 'n'
      else
        letter = expected and 'w' or 'm'
      end
      if letter == 's' or letter == 'w' then
        fields[#fields + 1] = name
        fields[#fields + 1] = text
        if is_bookkeeping(name) then
          ended = ended or {}
          ended[string.match(name, '^%.delivery:([^:]+):') or ''] = true
        elseif letter == 's' then
          records = records + 1
        end
      end
    end
    out[#out + 1] = letter
  end
  if #fields > 0 then
    changed[#changed + 1] = now_text
    changed[#changed + 1] = id
    -- First the queue: nothing stands here that nobody would deliver.
    for b = 0, backends - 1 do
      local backend = ARGV[8 + b]
      if ended and ended[backend] then call('HDEL', key, '.sync:' .. backend) end
      enqueue(key, id, backend, KEYS[3 + 3 * b], KEYS[4 + 3 * b], KEYS[5 + 3 * b], now, by_person)
    end
    fields[#fields + 1] = 'subject'
    fields[#fields + 1] = subject_text(int(revision + 1), records, overrides + overriding, first, now_text, rest)
    hset(key, fields)
    redis.pcall('EXPIRE', tag .. ':content:' .. id, retention) -- is no key of the call, so it may be elsewhere
  end
end

local p, k = 8 + backends, 3 + 3 * backends
local last = #ARGV
while p <= last do
  local key, rest = KEYS[k], ARGV[p + 1]
  local id = string.sub(key, -32)
  local n, by_person, overriding, expected, seen = tonumber(ARGV[p]), false, 0, nil, '0'
  if not n then
    local a, b, c, d, e = string.match(ARGV[p], '^(%d+) (%d) (%d+) (%S+) (%d)$')
    n, by_person, overriding, expected, seen = tonumber(a), b == '1', tonumber(c), tonumber(d), e
  end
  p = p + 2
  -- The fast way: all records of a trace that is not there yet are new.
  local subject = single
  if n ~= 1 then subject = '{"version":1,"revision":1,"records":' .. n .. ',"overrides":0' .. new_tail end
  if not expected and n <= max_records and call('HSETNX', key, 'subject', subject .. rest) == 1 then
    if n == 1 then
      call('HSET', key, ARGV[p], ARGV[p + 1])
    else
      call('HSET', key, unpack(ARGV, p, p + 2 * n - 1))
    end
    for _ = 1, n do out[#out + 1] = 's' end
    local queue = by_person and human or auto
    local at = #queue
    queue[at + 1], queue[at + 2] = now_text, id
  else
    update(key, id, p, n, by_person, overriding, expected, seen, rest)
  end
  call('EXPIRE', key, retention)
  p, k = p + 2 * n, k + 1
end

if #changed + #human + #auto > 0 then
  if #changed > 0 then call('ZADD', recent, unpack(changed)) end
  if #human > 0 then call('ZADD', recent, unpack(human)) end
  if #auto > 0 then call('ZADD', recent, unpack(auto)) end
  call('ZREMRANGEBYRANK', recent, 0, -(ARGV[3] + 1))
  for b = 0, backends - 1 do
    if #human > 0 then call('ZADD', KEYS[3 + 3 * b], 'NX', unpack(human)) end
    if #auto > 0 then call('ZADD', KEYS[4 + 3 * b], 'NX', unpack(auto)) end
  end
  for b = 0, backends - 1 do
    bound(tag, ARGV[8 + b], KEYS[4 + 3 * b], KEYS[5 + 3 * b], now, tonumber(ARGV[4]), tonumber(ARGV[5]))
  end
end
if #out <= CHUNK then return table.concat(out) end
local parts = {}
for first = 1, #out, CHUNK do
  parts[#parts + 1] = table.concat(out, '', first, math.min(first + CHUNK - 1, #out))
end
return table.concat(parts)
