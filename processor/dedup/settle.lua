-- settle.lua, after guard.lua or lease.lua: writes how far transactions have come, as merge in judge.go says.
--
-- KEYS[first..]  the claims' keys
-- ARGV[at]       time to live in milliseconds
-- then for each key: the value that it most likely holds, if the next one replaces it whole, else empty; and the value to write
local layout = '^1 (%l+) (%d+) (%S+) (%S+) (.*)$'
local rank = {claimed = 1, waiting = 2, settled = 3}

-- merged returns what becomes of a stored value; nil: it stays.
local function merged(stored, value)
  local state, hop, result, owner, fingerprint = string.match(stored, layout)
  local to_state, to_hop, to_result, to_owner, to_fingerprint = string.match(value, layout)
  local proven = to_state == 'settled' and to_fingerprint == fingerprint
  if owner ~= to_owner and not proven then
    return nil
  end
  if rank[state] >= rank[to_state] then
    to_state, to_result = state, result
  end
  if tonumber(hop) > tonumber(to_hop) then
    to_hop = hop
  end
  return table.concat({'1', to_state, to_hop, to_result, owner, fingerprint}, ' ')
end

local ttl = ARGV[at]
for i = first, #KEYS do
  local pair = at + 1 + 2 * (i - first)
  local key, value = KEYS[i], ARGV[pair + 1]
  local stored = redis.call('GET', key)
  if stored and stored ~= ARGV[pair] then
    value = merged(stored, value)
  end
  if value then
    redis.call('SET', key, value, 'PX', ttl)
  end
end
return {'ok', ''}
