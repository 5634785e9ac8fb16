-- Takes members out of the lists of held feedback of which nothing is there any longer.
-- KEYS: held, held:ready, then what each member's value has: its index, its feedback. ARGV: the members: "digest id" of
-- held, digests of ready ones. A span that was forgotten before anyone came may pass again.
for i, member in ipairs(ARGV) do
  local index, waiting = KEYS[1 + 2 * i], KEYS[2 + 2 * i]
  if #member > 32 then
    if redis.call('HEXISTS', waiting, string.sub(member, 34)) == 0 then redis.call('ZREM', KEYS[1], member) end
  elseif redis.call('EXISTS', index) == 0 or redis.call('EXISTS', waiting) == 0 then
    redis.call('ZREM', KEYS[2], member)
  end
end
return 1
