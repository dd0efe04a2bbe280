-- guard.lua: the beginning of every script but initialise.lua. It lets the rest run only on the store that the claims
-- were written to, and decides that in the same atomic step as the rest: whatever connection, pool or proxy leads here.
--
-- KEYS[1]  the sentinel
-- ARGV[1]  n, the length of what follows; ARGV[2..n+1] name, value, ...: the identity the caller expects
-- at       the index in ARGV where the script's own arguments begin
local at = ARGV[1] + 2

-- A replica that lags says nothing about the store: that is no loss, the caller must ask the master.
local function lost(reply)
  if string.find(redis.call('INFO', 'replication'), 'role:slave', 1, true) then
    return redis.error_reply('READONLY this server is a replica')
  end
  return reply
end

local have = {}
local flat = redis.call('HGETALL', KEYS[1])
for i = 1, #flat, 2 do
  have[flat[i]] = flat[i + 1]
end
if not have.incarnation then
  return lost({'missing'})
end

local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
if have.run_id ~= run_id then
  return lost({'differs', 'run_id', have.run_id or '', run_id or ''})
end

for i = 2, at - 1, 2 do
  local name, want = ARGV[i], ARGV[i + 1]
  if have[name] and have[name] ~= want then
    return {'differs', name, have[name], want}
  end
end
for i = 2, at - 1, 2 do
  if not have[ARGV[i]] then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
