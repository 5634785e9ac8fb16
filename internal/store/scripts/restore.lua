-- Makes what was delivered from traces of one shard pending again; the records' content stays.
-- KEYS: human, auto, dead, then hashes of traces. ARGV: backend, "1" to bring back what was withdrawn as well, max
-- waiting, the reason of traces that come back from the dead.
-- Reply: how many of the traces were looked at, traces that became due, their records that are pending again. Like
-- re-reading, it takes at most half of the queue's room.
local backend, withdrawn = ARGV[1], ARGV[2] == '1'
local now = clock()
local prefix = '.delivery:' .. backend .. ':'
local room = math.floor(ARGV[3] / 2) - redis.call('ZCARD', KEYS[2])
local again = {delivered = true, theirs = true, withdrawn = withdrawn}
local seen, traces, records = 0, 0, 0

local function restored(text)
  local state, rest = string.match(text, '^{"state":"(%a*)","attempts":%d+(.*)$')
  if again[state] or withdrawn and state == 'dead' and string.find(rest, '"reason":"trace_deleted"', 1, true) then
    return '{"state":"","attempts":0' .. string.gsub(rest, ',"reason":"[%w_]*"', '')
  end
end

for i = 4, #KEYS do
  if traces >= room then break end
  seen = seen + 1
  local key = KEYS[i]
  local id = string.sub(key, -32)
  local names = {}
  for _, field in ipairs(redis.call('HKEYS', key)) do
    if string.sub(field, 1, #prefix) == prefix then names[#names + 1] = field end
  end
  local fields = {}
  local texts = #names > 0 and hmget(key, names) or {}
  for n = 1, #names do
    local text = restored(texts[n])
    if text then
      fields[#fields + 1] = names[n]
      fields[#fields + 1] = text
    end
  end
  if #fields > 0 or redis.call('HGET', key, '.dead:' .. backend) == ARGV[4] then
    hset(key, fields)
    -- A claim that runs was made on what is no longer so: it ends, and the waiting counts anew.
    redis.call('HDEL', key, '.sync:' .. backend)
    enqueue(key, id, backend, KEYS[1], KEYS[2], KEYS[3], now, false)
    traces = traces + 1
    records = records + #fields / 2
  end
end
return {seen, traces, records}
