-- sentinel.lua: the beginning of every script. What the server and the sentinel say, read in the same atomic step as the rest:
-- whatever connection, pool or proxy leads here.
--
-- KEYS[1]  the sentinel
local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')

local have = {}
local flat = redis.call('HGETALL', KEYS[1])
for i = 1, #flat, 2 do
  have[flat[i]] = flat[i + 1]
end

-- A replica that lags says nothing about the store: that is no loss, the caller must ask the master.
local function lost(reply)
  if string.find(redis.call('INFO', 'replication'), 'role:slave', 1, true) then
    return redis.error_reply('READONLY this server is a replica')
  end
  return reply
end
