-- begin.lua, after sentinel.lua: takes the lease, and removes the sentinel, so that nothing is claimed until finish.lua writes another.
--
-- KEYS[2]  the lease
-- ARGV[1]  the value to write there
-- ARGV[2]  its time to live in milliseconds
if not run_id then
  return redis.error_reply('ERR the server names no run_id in INFO server')
end
local lease = redis.call('SET', KEYS[2], ARGV[1], 'NX', 'GET', 'PX', ARGV[2])
if lease then
  return {'held', lease}
end
redis.call('DEL', KEYS[1])
return {'ok', run_id}
