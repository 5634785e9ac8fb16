-- What is known of a trace, in the field `subject` of its hash. Fields that a newer build adds at its end survive.
local SUBJECT = '^{"version":1,"revision":(%d+),"records":(%d+),"overrides":(%d+),'
  .. '"first_seen":(%d+),"last_seen":%d+(.*)$'

local function clock()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- Lua spells large numbers with an exponent.
local function int(n)
  return string.format('%.0f', n)
end

local function subject_text(revision, records, overrides, first, now, rest)
  return '{"version":1,"revision":' .. revision .. ',"records":' .. records .. ',"overrides":' .. overrides
    .. ',"first_seen":' .. first .. ',"last_seen":' .. now .. rest
end

-- How much of a list is unpacked, or joined, at once: Lua's stack bounds it.
local CHUNK = 200

local function hmget(key, names)
  if #names <= CHUNK then return redis.call('HMGET', key, unpack(names)) end
  local got = {}
  for first = 1, #names, CHUNK do
    local part = redis.call('HMGET', key, unpack(names, first, math.min(first + CHUNK - 1, #names)))
    for i = 1, #part do got[first + i - 1] = part[i] end
  end
  return got
end

-- Writes pairs of field and value.
local function hset(key, fields)
  for first = 1, #fields, CHUNK do
    redis.call('HSET', key, unpack(fields, first, math.min(first + CHUNK - 1, #fields)))
  end
end
