-- abandon.lua: gives the lease back, if it is the caller's.
--
-- KEYS[1]  the lease
-- ARGV[1]  its value, as begin.lua wrote it
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
return {'ok', ''}
