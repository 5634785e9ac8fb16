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
