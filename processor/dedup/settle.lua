-- settle.lua, after guard.lua or lease.lua: writes how far transactions have come, as merge in judge.go says.
--
-- KEYS[first..]  the claims' keys
-- ARGV[at]       time to live in milliseconds; then for each key the value to write
local layout = '^1 (%l+) (%d+) (%S+) (%S+) (.*)$'
local rank = {claimed = 1, waiting = 2, settled = 3}

for i = first, #KEYS do
  local value = ARGV[at + i - first + 1]
  local stored = redis.call('GET', KEYS[i])
  if stored then
    local state, hop, result, owner, fingerprint = string.match(stored, layout)
    local to_state, to_hop, to_result, to_owner, to_fingerprint = string.match(value, layout)
    local proven = to_state == 'settled' and to_fingerprint == fingerprint
    if owner ~= to_owner and not proven then
      value = nil
    else
      if rank[state] >= rank[to_state] then
        to_state, to_result = state, result
      end
      if tonumber(hop) > tonumber(to_hop) then
        to_hop = hop
      end
      value = table.concat({'1', to_state, to_hop, to_result, owner, fingerprint}, ' ')
    end
  end
  if value then
    redis.call('SET', KEYS[i], value, 'PX', ARGV[at])
  end
end
return {'ok', ''}
