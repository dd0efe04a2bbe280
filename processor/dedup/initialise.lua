-- initialise.lua: creates the sentinel. Where there is one, it stays, but generations count from 0 again: a group that
-- never committed and stands empty for a while is forgotten by Kafka, and begins anew with generation 1.
--
-- KEYS[1]    the sentinel
-- ARGV[1]    the incarnation; ARGV[2..] name, value, ...: the identity
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HSET', KEYS[1], 'generation', '0')
  return 0
end
local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
if not run_id then
  return redis.error_reply('ERR the server names no run_id in INFO server')
end
redis.call('HSET', KEYS[1], 'incarnation', ARGV[1], 'run_id', run_id, 'generation', '0', unpack(ARGV, 2))
return 1
