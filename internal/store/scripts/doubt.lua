-- Counts rows that are missing in a backend, over all replicas.
-- KEYS: doubt. ARGV: missing, seen, how many may be missing, which share may, window (ms), hold (ms).
-- Reply: 1 if so many are missing that none is believed, 1 if that is new.
-- Fields: `until` (end of the doubt), `since` (begin of the counts), `missing`, `seen`.
local key, window, hold = KEYS[1], tonumber(ARGV[5]), tonumber(ARGV[6])
local now = clock()
local state = redis.call('HMGET', key, 'until', 'since', 'missing', 'seen')
local ends, since = tonumber(state[1] or '0'), tonumber(state[2] or '0')
local missing, seen = tonumber(state[3] or '0'), tonumber(state[4] or '0')
local held = now < ends
if tonumber(ARGV[1]) == 0 then return {held and 1 or 0, 0} end
if now - since >= window then since, missing, seen = now, 0, 0 end
missing, seen = missing + ARGV[1], seen + ARGV[2]
local new = 0
if missing > tonumber(ARGV[3]) and missing > tonumber(ARGV[4]) * (missing + seen) then
  if not held then new = 1 end
  held, ends = true, now + hold
end
redis.call('HSET', key, 'until', int(ends), 'since', int(since), 'missing', int(missing), 'seen', int(seen))
redis.call('PEXPIRE', key, int(math.max(window, ends - now)))
return {held and 1 or 0, new}
