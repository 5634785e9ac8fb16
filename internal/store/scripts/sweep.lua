-- Leases feedback whose span has come, and gives up what has waited too long. KEYS: held, held:ready, held:dead.
-- ARGV: limit, lease (ms), bytes to stop after, max dead, retention (ms).
-- Reply: per value that is ready: digest, text of its matches, ids with contents; then the same without matches of what
--   was given up; then members of both lists of which nothing is there. They stay: what the values have are no keys of
--   this call, so while a cluster moves them they may be elsewhere.
local held, ready = KEYS[1], KEYS[2]
local tag = string.sub(held, 1, -6)
local now = clock()
local limit, room = tonumber(ARGV[1]), tonumber(ARGV[3])
local found, dead, gone = {}, {}, {}

local function elsewhere(reply) return type(reply) == 'table' and reply.err end

for _, digest in ipairs(redis.call('ZRANGEBYSCORE', ready, '-inf', int(now), 'LIMIT', 0, limit)) do
  if room <= 0 then break end
  local matches = redis.pcall('GET', tag .. ':index:' .. digest)
  local contents = redis.pcall('HGETALL', held .. ':' .. digest)
  if not matches or #contents == 0 and not contents.err then
    gone[#gone + 1] = digest
  elseif not elsewhere(matches) and not contents.err then
    redis.call('ZADD', ready, int(now + ARGV[2]), digest)
    for i = 1, #contents do room = room - #contents[i] end
    found[#found + 1] = {digest, matches, contents}
  end
end

for _, member in ipairs(redis.call('ZRANGEBYSCORE', held, '-inf', int(now), 'LIMIT', 0, limit)) do
  if room <= 0 then break end
  local digest, id = string.sub(member, 1, 32), string.sub(member, 34)
  local came = redis.pcall('ZSCORE', ready, digest)
  if elsewhere(came) then break end
  local content = redis.pcall('HGET', held .. ':' .. digest, id)
  if came then
    redis.call('ZADD', held, int(now + ARGV[2]), member) -- its span has come: it is not given up
  elseif not content then
    gone[#gone + 1] = member
  elseif not elsewhere(content) then
    drop(held, digest, id, 'trace_wait', tonumber(ARGV[4]), ARGV[5])
    room = room - #content
    dead[#dead + 1] = {digest, '', {id, content}}
  end
end
return {found, dead, gone}
