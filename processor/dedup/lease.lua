-- lease.lua, after sentinel.lua, in the guard's place: lets the rest run only for the process that rebuilds, on the server where it
-- began, and renews its lease.
--
-- KEYS[2]  the lease
-- ARGV[1]  its value, as begin.lua wrote it
-- ARGV[2]  the run_id that begin.lua returned
-- ARGV[3]  the lease's time to live in milliseconds
-- first    the index in KEYS where the claims begin
-- at       the index in ARGV where the script's own arguments begin
local first, at = 3, 4

if run_id ~= ARGV[2] then
  return lost({'differs', 'run_id', ARGV[2], run_id or ''})
end
local lease = redis.call('GET', KEYS[2])
if lease and lease ~= ARGV[1] then
  return lost({'held', lease})
end
if not lease and have.incarnation then
  return lost({'finished', have.incarnation})
end
if not lease then
  return lost({'expired'})
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])
