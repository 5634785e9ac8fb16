-- Takes held feedback away. KEYS: held, held:ready, held:dead, the value's feedback.
-- ARGV: digest, id, reason (empty: it became a record), max dead, retention (ms).
-- Reply: 1 if it was there.
if drop(KEYS[1], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]) then return 1 end
return 0
