-- adopt.lua, after guard.lua, which was told to expect the cluster only: goes on with the claims that are there, for other topics.
--
-- ARGV[at]    the new incarnation
-- ARGV[at+1..] name, value, ...: the identity
redis.call('HSET', KEYS[1], 'incarnation', ARGV[at], 'generation', '0', unpack(ARGV, at + 1))
return {'ok', ARGV[at]}
