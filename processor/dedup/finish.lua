-- finish.lua, after lease.lua: writes the sentinel, and gives the lease back.
--
-- ARGV[at]     the new incarnation
-- ARGV[at+1]   the group generation below which nothing may claim
-- ARGV[at+2..] name, value, ...: the identity
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[1], 'incarnation', ARGV[at], 'run_id', run_id, 'generation', ARGV[at + 1], unpack(ARGV, at + 2))
return {'ok', ARGV[at]}
