-- Writes records of the traces of one shard.
-- KEYS: recent, then human, auto, dead of each backend.
-- ARGV: retention (s), max records a trace, max recent, max waiting, max dead, the backends' names; then per trace:
--   id, expected revision or "", "1" if a person wrote, number of overriding records, rest of the subject, n, n ids,
--   n records.
-- Without an expected revision only new records are written; a record that stands there in other words, and every
-- record of a trace with overrides, is left to the caller ("m"). With one, all are written, or none ("m").
-- Reply: one letter a record: s(tored), w(ritten over), n(o change), r(efused), m(erge needed).
local backends = (#KEYS - 1) / 3
local recent = KEYS[1]
local tag = string.sub(recent, 1, -8)
local retention, max_records = ARGV[1], tonumber(ARGV[2])
local now = clock()
local now_text = int(now)

local out, changed, auto, human = {}, {}, {}, {}
local p = 6 + backends
local last = #ARGV
while p <= last do
  local id, expected, by_person, n = ARGV[p], ARGV[p + 1], ARGV[p + 2] == '1', tonumber(ARGV[p + 5])
  local ids = p + 6
  local texts = ids + n
  local key = tag .. ':trace:' .. id
  local got = redis.call('HMGET', key, 'subject', unpack(ARGV, ids, texts - 1))
  local known = got[1]
  local revision, records, overrides, first, rest = 0, 0, 0, now_text, ARGV[p + 4]
  local verdict
  if known then
    local r, c, o, f, tail = string.match(known, SUBJECT)
    if not r then
      verdict = 'r'
    else
      revision, records, overrides, first = tonumber(r), tonumber(c), tonumber(o), f
      if tail ~= '}' then rest = tail end
    end
  end
  if not verdict and expected ~= '' and tonumber(expected) ~= revision then verdict = 'm' end
  if not verdict and expected == '' and overrides > 0 then verdict = 'm' end

  local fields = {'subject', ''}
  for i = 0, n - 1 do
    local letter = verdict
    if not letter then
      local old, text = got[i + 2], ARGV[texts + i]
      if not old then
        if records >= max_records then letter = 'r' else letter = 's' end
      elseif old == text then
        letter = 'n'
      elseif expected ~= '' then
        letter = 'w'
      else
        letter = 'm'
      end
      if letter == 's' or letter == 'w' then
        if letter == 's' then records = records + 1 end
        fields[#fields + 1] = ARGV[ids + i]
        fields[#fields + 1] = text
      end
    end
    out[#out + 1] = letter
  end

  if #fields > 2 then
    fields[2] = subject_text(int(revision + 1), records, overrides + ARGV[p + 3], first, now_text, rest)
    redis.call('HSET', key, unpack(fields))
    changed[#changed + 1] = now_text
    changed[#changed + 1] = id
    if known then
      for b = 0, backends - 1 do
        enqueue(key, id, ARGV[6 + b], KEYS[2 + 3 * b], KEYS[3 + 3 * b], KEYS[4 + 3 * b], now, by_person)
      end
    else
      local queue = by_person and human or auto
      queue[#queue + 1] = now_text
      queue[#queue + 1] = id
    end
  end
  redis.call('EXPIRE', key, retention)
  p = texts + n
end

if #changed > 0 then
  redis.call('ZADD', recent, unpack(changed))
  redis.call('ZREMRANGEBYRANK', recent, 0, -(ARGV[3] + 1))
  for b = 0, backends - 1 do
    if #human > 0 then redis.call('ZADD', KEYS[2 + 3 * b], 'NX', unpack(human)) end
    if #auto > 0 then redis.call('ZADD', KEYS[3 + 3 * b], 'NX', unpack(auto)) end
    bound(tag, ARGV[6 + b], KEYS[3 + 3 * b], KEYS[4 + 3 * b], now, tonumber(ARGV[4]), tonumber(ARGV[5]))
  end
end
return table.concat(out)
