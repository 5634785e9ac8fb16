-- Writes what a worker learned of a claimed trace, if it still holds the claim.
-- KEYS: the trace's hash, its content, recent, pending, then human, auto, dead of each backend.
-- ARGV: number of backends, backend, token, the claim's revision, what to do (done, retry, dead), delay (ms) or reason,
--   retention (s), max dead, "1" if a person wrote a record that is taken over, number of overriding ones among them,
--   the backends' names, n, n pairs of field and delivery, m, m triples of id, record and delivery.
-- Reply: 1 if the claim held. Records are taken over only if the trace has not changed since the claim; a record's
--   delivery among the triples then stands before that among the pairs.
local key, content, recent, pending = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local backends, backend, token = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local id = string.sub(key, -32)
local sync_field = '.sync:' .. backend
local state = redis.call('HMGET', key, sync_field, 'subject')
if not state[1] then return 0 end
local holder, _, since, deferrals = string.match(state[1], '^(%S+) (%d+) (%d+) (%d+)$')
if holder ~= token then return 0 end

local now = clock()
local now_text = int(now)
local revision, records, overrides, first, rest = string.match(state[2] or '', SUBJECT)
local same = revision == ARGV[4]
local own
for b = 0, backends - 1 do
  if ARGV[11 + b] == backend then own = b end
end
local human_queue, auto_queue, dead_set = KEYS[5 + 3 * own], KEYS[6 + 3 * own], KEYS[7 + 3 * own]

local fields = {}
local p = 11 + backends
local n = tonumber(ARGV[p])
for i = p + 1, p + 2 * n do fields[#fields + 1] = ARGV[i] end
p = p + 2 * n + 1
local m = tonumber(ARGV[p])
if m > 0 and same then
  local changed = false
  for i = p + 1, p + 3 * m, 3 do
    local record = ARGV[i]
    if ARGV[i + 1] ~= '' then
      if redis.call('HEXISTS', key, record) == 0 then records = records + 1 end
      fields[#fields + 1] = record
      fields[#fields + 1] = ARGV[i + 1]
      changed = true
    end
    fields[#fields + 1] = '.delivery:' .. backend .. ':' .. record
    fields[#fields + 1] = ARGV[i + 2]
  end
  if changed then
    fields[#fields + 1] = 'subject'
    fields[#fields + 1] = subject_text(int(revision + 1), records, overrides + ARGV[10], first, now_text, rest)
    redis.call('ZADD', recent, now_text, id)
    redis.call('EXPIRE', content, ARGV[7])
    for b = 0, backends - 1 do
      if b ~= own then
        enqueue(key, id, ARGV[11 + b], KEYS[5 + 3 * b], KEYS[6 + 3 * b], KEYS[7 + 3 * b], now, ARGV[9] == '1')
      end
    end
  end
end
hset(key, fields)
-- Retention counts from the last write; a re-reading that found nothing is none.
if #fields > 0 or ARGV[5] ~= 'done' then redis.call('EXPIRE', key, ARGV[7]) end

local function again(due)
  local queue = auto_queue
  if redis.call('ZSCORE', human_queue, id) then queue = human_queue end
  redis.call('ZADD', queue, int(due), id)
end

local what = ARGV[5]
if not same and (what ~= 'retry' or m > 0) then
  redis.call('HDEL', key, sync_field)
  again(now)
elseif what == 'retry' then
  redis.call('HSET', key, sync_field, '- 0 ' .. since .. ' ' .. int(deferrals + 1))
  again(now + ARGV[6])
else
  redis.call('ZREM', human_queue, id)
  redis.call('ZREM', auto_queue, id)
  redis.call('HDEL', key, sync_field)
  redis.call('ZREM', pending, id)
  if what == 'dead' then bury(key, id, backend, dead_set, now, ARGV[6], tonumber(ARGV[8])) end
end
return 1
