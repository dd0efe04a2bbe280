-- claim.lua, after guard.lua: claims each key that is free, or that holds the value it is to be taken over from.
--
-- KEYS[first..]  the claims' keys
-- ARGV[at]       the claimant's group generation
-- ARGV[at+1]     time to live in milliseconds
-- then for each key: the value to take it over from (empty: claim it only if it is free), the value to write
--
-- Returns ok, the incarnation, and for each key the value that stands in the way, nil if it was claimed.
local newest, mine = tonumber(have.generation), tonumber(ARGV[at])
if mine < newest then
  return {'stale', have.generation}
end
if mine > newest then
  redis.call('HSET', KEYS[1], 'generation', ARGV[at])
end

local reply = {'ok', have.incarnation}
for i = first, #KEYS do
  local pair = at + 2 + 2 * (i - first)
  local from, value = ARGV[pair], ARGV[pair + 1]
  local stored = redis.call('SET', KEYS[i], value, 'NX', 'GET', 'PX', ARGV[at + 1])
  if stored and stored == from then
    redis.call('SET', KEYS[i], value, 'PX', ARGV[at + 1])
    stored = false
  end
  reply[3 + i - first] = stored
end
return reply
