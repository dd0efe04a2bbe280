-- guard.lua, after sentinel.lua: lets the rest run only on the store that the claims were written to.
-- Another's store is told from a lost one first: a rebuild would make it ours.
--
-- ARGV[1]  n, the length of what follows; ARGV[2..n+1] name, value, ...: the identity the caller expects
-- first    the index in KEYS where the claims begin
-- at       the index in ARGV where the script's own arguments begin
local first, at = 2, ARGV[1] + 2

if not have.incarnation then
  return lost({'missing'})
end
for i = 2, at - 1, 2 do
  local name, want = ARGV[i], ARGV[i + 1]
  if have[name] and have[name] ~= want then
    return lost({'differs', name, have[name], want})
  end
end
if have.run_id ~= run_id then
  return lost({'differs', 'run_id', have.run_id or '', run_id or ''})
end
for i = 2, at - 1, 2 do
  if not have[ARGV[i]] then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
